/** `shardhub serve --processes`: the supervisor's process. It serves nobody itself: what it does is in `supervisor/`. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HubError, type HubOptions, resolveOptions, usableCores } from '../../index.js';
import { SupervisorAdmin } from '../../supervisor/admin.js';
import { checkPort } from '../../supervisor/free-port.js';
import { planProcesses } from '../../supervisor/plan.js';
import { makePrivateFolder, removePrivateFolder } from '../../supervisor/private-folder.js';
import { Relay } from '../../supervisor/relay.js';
import { Supervisor } from '../../supervisor/supervisor.js';
import { Whole } from '../../supervisor/whole.js';
import { warnings } from '../doctor/doctor.js';
import { warn } from '../terminal/output.js';
import { drainOnStop, type StopSignal, stopAs } from '../terminal/stop.js';
import { makeStatsToken, serveDefaults } from './defaults.js';
import { notify, onHangup } from './notify.js';
import { startLine } from './start-line.js';

const PROGRAM = fileURLToPath(new URL('../hub-process.js', import.meta.url));

/** Characters of the option `nodeName`. */
const MAX_NAME = 100;

/** @param reread reads flags, variables and the file once more */
export async function supervise(given: HubOptions, reread: () => Promise<HubOptions>): Promise<void> {
  checkCombination(given);
  const token = makeStatsToken(given);
  const withDefaults = (options: HubOptions) => {
    const all = { ...serveDefaults(token), ...options };
    return { ...all, ...planProcesses(all, usableCores()) };
  };
  let options = withDefaults(given);
  const { host, port, sharePort } = resolveOptions(options);
  if (!sharePort && port !== 0) await checkPort(host, port);
  const folder = makePrivateFolder();
  const relay = new Relay(folder);
  const wholePath = join(folder, 'whole.sock');
  let starts = 0;
  const supervisor = new Supervisor({
    fork: () => {
      // Of the service, systemd is told by this process alone.
      const { NOTIFY_SOCKET: _, ...env } = process.env;
      return fork(PROGRAM, process.argv.slice(2), { env, detached: true });
    },
    setup: (index, knownPort) => ({
      type: 'start',
      index,
      folder,
      wholePath,
      adminPath: join(folder, `admin-${starts++}.sock`),
      options: {
        ...(token !== undefined && { statsToken: token }),
        // What the options name, each process reads for itself: a broker that code has made crosses no channel.
        ...(options.broker === undefined && { broker: relay.url }),
        nodeName: nodeNameOf(options, index),
        ...(knownPort !== undefined && resolveOptions(options).port === 0 && { port: knownPort }),
        sharePort: true,
        workers: options.workers,
        // The supervisor waits for load balancers, for all of them.
        drainDelayMs: 0,
      },
    }),
    tell: warn,
    onGone: (one) => whole.retire(one),
  });
  const whole = new Whole(supervisor);
  const admin = new SupervisorAdmin({ whole, drain: () => stopAs('SIGTERM'), tell: warn });
  const hurried = new AbortController();
  const end = async (): Promise<void> => {
    admin.close();
    await relay.close();
    removePrivateFolder(folder);
  };
  const stop = async (signal: StopSignal): Promise<0> => {
    notify(process.env, 'STOPPING=1');
    const { drainDelayMs, drainTimeoutMs } = resolveOptions(options);
    const delayMs = Math.min(drainDelayMs, drainTimeoutMs / 2);
    supervisor.isDraining = true;
    await delay(delayMs, undefined, { signal: hurried.signal }).catch(() => {});
    await supervisor.stop(signal, drainTimeoutMs - delayMs);
    await end();
    return 0;
  };
  const isServing = drainOnStop(stop, () => {
    hurried.abort();
    supervisor.hurry();
    removePrivateFolder(folder);
  });
  if (!isServing) return;
  const abandon = async (error: unknown): Promise<never> => {
    await supervisor.abandon();
    await end();
    throw error;
  };
  await Promise.all([relay.listen(), admin.listenInside(wholePath)]).catch(abandon);
  const started = await supervisor.start(options.processes);
  // A signal came meanwhile, which is going to end this process.
  if (supervisor.isDraining) return;
  if (!('url' in started)) {
    await end();
    // What is wrong it has said itself.
    process.exit(started.code ?? 1);
  }
  await admin.listen(resolveOptions(options), started.wsUrl).catch(abandon);
  const roll = async (): Promise<void> => {
    const next = withDefaults(await reread());
    checkCombination(next);
    options = next;
    const isDone = await supervisor.roll(next.processes, resolveOptions(next).drainTimeoutMs);
    if (isDone) warn(`${next.processes} processes have been replaced, one after the other`);
  };
  onHangup(roll);
  process.on('SIGUSR2', () => supervisor.reload());
  for (const warning of warnings(options)) warn(`warning: ${warning}`);
  process.stdout.write(
    `${startLine(started, resolveOptions(options), token, admin.url, options.processes)}\n`,
  );
  notify(process.env, '--ready', `--status=${started.wsUrl}, ${options.processes} processes`);
}

/** Nodes of one machine are told apart by the number of their process. */
function nodeNameOf(options: HubOptions, index: number): string {
  const suffix = `/${index}`;
  return `${resolveOptions(options).nodeName.slice(0, MAX_NAME - suffix.length)}${suffix}`;
}

/** @throws HubError `ERR_OPTION` for what several processes cannot share */
function checkCombination({ unixSocket, inspectWorkers }: HubOptions): void {
  const why =
    process.platform !== 'linux'
      ? `it needs Linux, which spreads connections over sockets that share a port (SO_REUSEPORT), and this is ${process.platform}`
      : 'Bun' in globalThis
        ? 'an HTTP server of Bun shares its port with nobody: leave it out, or run on Node.js'
        : unixSocket !== undefined
          ? 'a Unix socket cannot be shared: leave out unixSocket'
          : ![undefined, false, 0].includes(inspectWorkers as undefined | false | 0)
            ? 'ports of inspectors cannot be shared: give 0, which picks free ones'
            : undefined;
  if (why !== undefined) throw new HubError('ERR_OPTION', `option "processes": ${why}`);
}
