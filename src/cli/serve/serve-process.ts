/** One of the processes under a supervisor: a hub that does what it is told over the channel, and serves on without it. */
import { createHub, type HubOptions, tellOfAll } from '../../index.js';
import { ask } from '../../supervisor/ask.js';
import type { FromProcess, Setup, ToProcess } from '../../supervisor/messages.js';
import { removePrivateFolder } from '../../supervisor/private-folder.js';
import { warn } from '../terminal/output.js';
import { drainOnStop, hurryUp } from '../terminal/stop.js';
import { loggerDefaults } from './defaults.js';
import { closeHub, listenToSignals } from './serve.js';
import { factsOf } from './start-line.js';

/** A supervisor asks its processes for a second at most. */
const WHOLE_MS = 2000;

/** What it was told before it could do anything. */
export interface Orders {
  /** Set once it is to stop. */
  timeoutMs?: number;
}

export async function serveProcess(
  options: HubOptions,
  reread: () => Promise<HubOptions>,
  orders: Orders,
  { index, folder, adminPath, wholePath, options: given }: Setup,
): Promise<void> {
  process.on('disconnect', () => {
    removePrivateFolder(folder);
    // What was drained for it need not be drained for longer.
    if (orders.timeoutMs !== undefined) return hurryUp();
    warn(`the supervisor is gone: this process (${process.pid}) serves on, alone, until it is sent SIGTERM`);
  });
  const own = {
    ...loggerDefaults(options, `[${index}] `),
    ...given,
    adminListen: adminPath,
    processes: undefined,
  };
  tellOfAll((path) => ask(wholePath, 'GET', path, {}, WHOLE_MS));
  const hub = await createHub({ ...options, ...own } as HubOptions);
  const isServing = drainOnStop(
    async (signal) => {
      const code = await closeHub(hub, signal, orders.timeoutMs);
      await tell({ type: 'last', stats: hub.stats(), metrics: hub.metrics() });
      return code;
    },
    (leftMs) => void hub.close({ timeoutMs: leftMs }),
  );
  if (!isServing) return;
  listenToSignals(hub, async () => ({ ...(await reread()), ...own }) as HubOptions);
  process.on('message', ({ type }: ToProcess) => {
    if (type === 'reload') void hub.reload().catch(() => {});
    if (type === 'hurry') hurryUp();
  });
  await tell({ type: 'ready', facts: factsOf(hub) });
}

/** Resolves once it is on its way; a supervisor that is gone is told nothing. */
function tell(message: FromProcess): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
