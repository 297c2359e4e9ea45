/** One of the processes under a supervisor: a hub that does what it is told over the channel, and serves on without it. */
import { createHub, type HubOptions } from '../../index.js';
import type { FromProcess, Setup, ToProcess } from '../../supervisor/messages.js';
import { removePrivateFolder } from '../../supervisor/private-folder.js';
import { warn } from '../terminal/output.js';
import { drainOnStop, hurryUp, stopAs } from '../terminal/stop.js';
import { loggerDefaults } from './defaults.js';
import { closeHub, listenToSignals } from './serve.js';
import { factsOf } from './start-line.js';

export async function serveProcess(
  options: HubOptions,
  reread: () => Promise<HubOptions>,
  { index, folder, options: given }: Setup,
): Promise<void> {
  let timeoutMs: number | undefined;
  let isStopping = false;
  process.on('message', (message: ToProcess) => {
    if (message.type !== 'stop') return;
    ({ timeoutMs } = message);
    isStopping = true;
    stopAs(message.signal);
  });
  process.on('disconnect', () => {
    // What was drained for it need not be drained for longer.
    if (isStopping) hurryUp();
    removePrivateFolder(folder);
    warn(`the supervisor is gone: this process (${process.pid}) serves on, alone, until it is sent SIGTERM`);
  });
  const own = { ...loggerDefaults(options, `[${index}] `), ...given, processes: undefined };
  const hub = await createHub({ ...options, ...own } as HubOptions);
  const isServing = drainOnStop(
    (signal) => closeHub(hub, signal, timeoutMs),
    (leftMs) => void hub.close({ timeoutMs: leftMs }),
  );
  if (!isServing) return;
  listenToSignals(hub, async () => ({ ...(await reread()), ...own }) as HubOptions);
  process.on('message', ({ type }: ToProcess) => {
    if (type === 'reload') void hub.reload().catch(() => {});
    if (type === 'hurry') hurryUp();
  });
  process.send!({ type: 'ready', facts: factsOf(hub) } satisfies FromProcess);
}
