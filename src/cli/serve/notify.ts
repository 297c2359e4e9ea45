/**
 * Tells systemd what the service is at (sd_notify(3)), where a unit of `Type=notify` asks for it. Node.js has no datagrams over
 * Unix sockets, so systemd's own program sends them.
 */
import { spawn } from 'node:child_process';
import type { Environment } from './settings.js';

/** One after the other: what comes last is what systemd believes. */
let told = Promise.resolve();

/** @param message what `systemd-notify` takes, such as `--ready` or `STOPPING=1` */
export function notify(env: Environment, ...message: string[]): void {
  if (env.NOTIFY_SOCKET) told = told.then(() => tell(message));
}

/** A reload begins; `--ready` ends it. systemd wants to know since when by its own clock. */
export function notifyReload(env: Environment): void {
  notify(env, 'RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
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
