/** The program of a process under a supervisor: the command line's, with what it is told before. */
import { once } from 'node:events';
import type { Setup, ToProcess } from '../supervisor/messages.js';
import type { Orders } from './serve/serve-process.js';
import { exitAfterComplaint, exitWithFailure, ignoreBrokenPipes, nameProcess } from './terminal/output.js';
import { stopAs, watchStopSignals } from './terminal/stop.js';

ignoreBrokenPipes();
watchStopSignals();

try {
  if (process.send === undefined)
    throw new Error('this program is started by `shardhub serve --processes` alone');
  const orders: Orders = {};
  // From the first moment on: what is told while the rest is loaded would be lost.
  process.on('message', (message: ToProcess) => {
    if (message.type !== 'stop') return;
    orders.timeoutMs = message.timeoutMs;
    stopAs(message.signal);
  });
  const [setup] = (await once(process, 'message')) as [Setup];
  nameProcess(`shardhub[${setup.index}]`);
  const { run, WRONG_USAGE } = await import('./program.js');
  const { serveProcess } = await import('./serve/serve-process.js');
  const { listFlags } = await import('./flags/flags.js');
  const { unknownVariables } = await import('./serve/settings.js');
  const env = { ...process.env };
  // The supervisor has warned of them.
  for (const name of unknownVariables(listFlags(), env)) delete env[name];
  const code = await run(process.argv, env, (options, reread) =>
    serveProcess(options, reread, orders, setup),
  );
  if (code === WRONG_USAGE) exitAfterComplaint(code);
  else process.exitCode = code;
} catch (error) {
  exitWithFailure(error);
}
