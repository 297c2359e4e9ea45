/** `shardhub serve`: one hub, from the options of the command line to a stop signal; or a supervisor of several. */
import {
  abandonedWorkers,
  createHub,
  type Hub,
  type HubOptions,
  type ReloadEvent,
  resolveOptions,
} from '../../index.js';
import { warnings } from '../doctor/doctor.js';
import { warn } from '../terminal/output.js';
import { drainOnStop, endAfter, type StopSignal } from '../terminal/stop.js';
import { loggerDefaults, makeStatsToken, serveDefaults } from './defaults.js';
import { notify, onHangup } from './notify.js';
import { factsOf, startLine } from './start-line.js';

/** @param reread reads flags, variables and the file once more */
export async function serve(options: HubOptions, reread: () => Promise<HubOptions>): Promise<void> {
  if (options.processes !== undefined) {
    const { supervise } = await import('./supervise.js');
    return supervise(options, reread);
  }
  const token = makeStatsToken(options);
  const defaults = { ...serveDefaults(token), ...loggerDefaults(options) };
  const hub = await createHub({ ...defaults, ...options });
  // By a signal, or as an administrator asked for it.
  hub.on('draining', () => {
    notify(process.env, 'STOPPING=1');
    setImmediate(() => endAfter(closeHub(hub, 'SIGTERM'), 'SIGTERM'));
  });
  const isServing = drainOnStop(
    (signal) => closeHub(hub, signal),
    (timeoutMs) => void hub.close({ timeoutMs }),
  );
  if (!isServing) return;
  listenToSignals(hub, async () => ({ ...defaults, ...(await reread()) }));
  for (const warning of warnings(hub.options)) warn(`warning: ${warning}`);
  process.stdout.write(`${startLine(factsOf(hub), hub.options, token, hub.adminUrl)}\n`);
  notify(process.env, '--ready', `--status=${hub.wsUrl}`);
}

/** Whoever sends SIGTERM starts it again, more often than not; at a terminal it is the end. */
export async function closeHub(hub: Hub, signal: StopSignal, timeoutMs?: number): Promise<0 | undefined> {
  const code = signal === 'SIGTERM' ? 1012 : 1001;
  await hub.close({ code, ...(timeoutMs !== undefined && { timeoutMs }) });
  return abandonedWorkers() > 0 ? undefined : 0;
}

/** SIGHUP: options or the certificate are other ones; SIGUSR2: handlers are. What cannot be used leaves everything as it was. */
export function listenToSignals(hub: Hub, reread: () => Promise<HubOptions>): void {
  hub.on('reload', tellReload);
  reloadOnUser(hub, reread);
  const reload = async () => {
    const { needRestart } = hub.reconfigure(await reread());
    if (needRestart.length > 0) warn(`changed, but needs a restart: ${needRestart.join(', ')}`);
    if (hub.options.tls !== undefined) await hub.reloadTls();
  };
  onHangup(reload);
}

/** SIGUSR2: the handlers are other ones, and the number of workers too if it has changed in the configuration. */
function reloadOnUser(hub: Hub, reread: () => Promise<HubOptions>): void {
  let configured = hub.options.workers;
  const reload = async () => {
    const { workers } = resolveOptions(await reread());
    const isResize = workers !== configured && workers > 0 && configured > 0;
    if (workers !== configured && !isResize) warn('changed, but needs a restart: workers');
    // Why it failed is told by the event.
    const isDone = (isResize ? hub.resize(workers) : hub.reload()).then(
      () => true,
      () => false,
    );
    if (isResize && (await isDone)) configured = workers;
  };
  process.on('SIGUSR2', () => {
    reload().catch((error) => warn(`nothing has changed: ${error instanceof Error ? error.message : error}`));
  });
}

/** A version that cannot be used leaves everything as it was. */
function tellReload({ generation, tookMs = 0, error }: ReloadEvent): void {
  if (error !== undefined) warn(`nothing has changed: ${error.message}`);
  else warn(`generation ${generation} runs, after ${Math.round(tookMs)} ms`);
}
