/** `shardhub serve`: one hub, from the options of the command line to a stop signal. */
import { randomBytes } from 'node:crypto';
import {
  abandonedWorkers,
  createHub,
  type Hub,
  type HubOptions,
  isLoopbackHost,
  type ReloadEvent,
  resolveOptions,
} from '../../index.js';
import { warnings } from '../doctor/doctor.js';
import { warn } from '../terminal/output.js';
import { ReadableLog } from '../terminal/readable-log.js';
import { drainOnStop, type StopSignal } from '../terminal/stop.js';
import { notify } from './notify.js';

/** Where the output is no terminal there is a load balancer, more often than not, that looks at /readyz now and then. */
const DRAIN_DELAY_MS = 5000;

/** @param reread reads flags, variables and the file once more */
export async function serve(options: HubOptions, reread: () => Promise<HubOptions>): Promise<void> {
  const token = needsStatsToken(options) ? randomBytes(24).toString('base64url') : undefined;
  const defaults = serveDefaults(options, token);
  const hub = await createHub({ ...defaults, ...options });
  const isServing = drainOnStop(
    (signal) => close(hub, signal),
    (timeoutMs) => void hub.close({ timeoutMs }),
  );
  if (!isServing) return;
  reloadOnHangup(hub, async () => ({ ...defaults, ...(await reread()) }));
  hub.on('reload', tellReload);
  // Why it failed is told by the event.
  process.on('SIGUSR2', () => void hub.reload().catch(() => {}));
  for (const warning of warnings(hub.options)) warn(`warning: ${warning}`);
  process.stdout.write(`${startLine(hub, token)}\n`);
  notify(process.env, '--ready', `--status=${hub.wsUrl}`);
}

/** @param token made for this run, when there is none */
function serveDefaults(options: HubOptions, token: string | undefined): HubOptions {
  const { stdout, stderr, env } = process;
  const write = (line: string) => void stderr.write(line);
  const { logLevel } = resolveOptions(options);
  return {
    drainDelayMs: stdout.isTTY ? 0 : DRAIN_DELAY_MS,
    ...(token !== undefined && { statsToken: token }),
    ...(stderr.isTTY && { logger: new ReadableLog(logLevel, write, stderr.hasColors() && !env.NO_COLOR) }),
  };
}

/** Whoever sends SIGTERM starts it again, more often than not; at a terminal it is the end. */
async function close(hub: Hub, signal: StopSignal): Promise<0 | undefined> {
  notify(process.env, 'STOPPING=1');
  await hub.close({ code: signal === 'SIGTERM' ? 1012 : 1001 });
  return abandonedWorkers() > 0 ? undefined : 0;
}

/** Where others can reach the page, its statistics are for whoever has read the start line. */
function needsStatsToken(options: HubOptions): boolean {
  const { console: servesPage, host, http, statsToken } = resolveOptions(options);
  return servesPage && http && statsToken === undefined && !isLoopbackHost(host);
}

/** SIGHUP: options or the certificate are other ones. What cannot be used leaves everything as it was. */
function reloadOnHangup(hub: Hub, reread: () => Promise<HubOptions>): void {
  const reload = async () => {
    const { needRestart } = hub.reconfigure(await reread());
    if (needRestart.length > 0) warn(`changed, but needs a restart: ${needRestart.join(', ')}`);
    if (hub.options.tls !== undefined) await hub.reloadTls();
  };
  process.on('SIGHUP', () => {
    notify(process.env, 'RELOADING=1');
    reload()
      .catch((error) => warn(error instanceof Error ? error.message : String(error)))
      .finally(() => notify(process.env, '--ready'));
  });
}

/** A version that cannot be used leaves everything as it was. */
function tellReload({ generation, tookMs = 0, error }: ReloadEvent): void {
  if (error !== undefined) warn(`nothing has changed: ${error.message}`);
  else warn(`generation ${generation} runs, after ${Math.round(tookMs)} ms`);
}

/** @param token one that was made for this run: the page reads it from its fragment, which is never sent anywhere */
function startLine(hub: Hub, token: string | undefined): string {
  const { console: servesPage, workers } = hub.options;
  const { handler, engine } = hub.stats();
  const parts = [
    ...(servesPage ? [`page ${hub.url}/${token === undefined ? '' : `#token=${token}`}`] : []),
    `WebSocket ${hub.wsUrl}`,
    `handler ${handler}`,
    workers === 1 ? '1 worker' : `${workers} workers`,
    `engine ${engine.name}`,
    ...(hub.adminUrl === undefined ? [] : [`admin ${hub.adminUrl}`]),
  ];
  const advice = engine.advice === undefined ? '' : `\nshardhub: ${engine.advice}`;
  return `shardhub: ${parts.join(', ')}${advice}`;
}
