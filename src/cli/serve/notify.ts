/**
 * Tells systemd what the service is at (sd_notify(3)), where a unit of `Type=notify` asks for it. Node.js has no datagrams over
 * Unix sockets, so systemd's own program sends them.
 */
import { spawn } from 'node:child_process';
import { warn } from '../terminal/output.js';
import type { Environment } from './settings.js';

/** One after the other: what comes last is what systemd believes. */
let told = Promise.resolve();

/** @param message what `systemd-notify` takes, such as `--ready` or `STOPPING=1` */
export function notify(env: Environment, ...message: string[]): void {
  if (env.NOTIFY_SOCKET) told = told.then(() => tell(message));
}

/** Reloads at each SIGHUP, and tells systemd from when to when: it wants to know the beginning by its own clock. */
export function onHangup(reload: () => Promise<void>): void {
  process.on('SIGHUP', () => {
    notify(process.env, 'RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    reload()
      .catch((error) => warn(error instanceof Error ? error.message : String(error)))
      .finally(() => notify(process.env, '--ready'));
  });
}

function tell(message: string[]): Promise<void> {
  return new Promise((resolve) => {
    // Where it is missing there is nothing to tell, and systemd ends the service when its time is over.
    spawn('systemd-notify', message, { stdio: 'ignore' })
      .on('error', () => resolve())
      .on('exit', () => resolve())
      .unref();
  });
}
