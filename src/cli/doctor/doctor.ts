/** `shardhub doctor`: looks at what a hub of these options would find here. */
import { createHub, type Hub, type HubOptions, resolveOptions, usableCores } from '../../index.js';
import { planProcesses } from '../../supervisor/plan.js';
import { print } from '../terminal/output.js';
import { DESCRIPTORS, examine, type Finding } from './checks.js';
import { findEngine } from './engine.js';
import { readMachine } from './machine.js';

/** One line for each thing that is not as it should be. Of file descriptors the hub's own log tells. */
export function warnings(options: HubOptions): string[] {
  const findings = examine(resolveOptions(options), readMachine(Math.ceil(usableCores())));
  return findings.flatMap(({ name, found, advice }) =>
    advice === undefined || name === DESCRIPTORS ? [] : `${name}: ${found}; ${advice}`,
  );
}

/** Resolves with the exit code: 0 when all is well, else 1. */
export async function doctor(options: HubOptions): Promise<number> {
  const { processes } = options;
  const plan = processes === undefined ? {} : planProcesses(options, usableCores());
  const resolved = resolveOptions({ ...options, ...plan });
  const engine = await findEngine(options);
  const findings = [
    ...examine(resolved, readMachine(Math.ceil(usableCores()))),
    ...(engine === undefined ? [] : [engine]),
    ...(await tryToServe(options)),
  ];
  const lines = findings.flatMap(({ name, found, advice }) => [
    `${advice === undefined ? 'ok  ' : 'LOOK'}  ${name}: ${found}`,
    ...(advice === undefined ? [] : [`      ${advice}`]),
  ]);
  await print(`${lines.join('\n')}\n`);
  return findings.some(({ advice }) => advice !== undefined) ? 1 : 0;
}

/** The address, the certificate and the handlers, all in one: by starting a hub, which takes no connection for long. */
async function tryToServe(options: HubOptions): Promise<Finding[]> {
  try {
    const hub = await createHub({ ...options, processes: undefined, logLevel: 'silent' });
    const started = { name: 'start', found: `a hub starts, at ${hub.wsUrl}` };
    const broker = findBroker(hub);
    await hub.close({ timeoutMs: 1000 });
    return broker === undefined ? [started] : [started, broker];
  } catch (error) {
    const { message } = error as Error;
    return [{ name: 'start', found: message, advice: 'serve would end with this' }];
  }
}

/** Undefined for a hub that is alone. One that cannot reach its broker does not start. */
function findBroker(hub: Hub): Finding | undefined {
  const { broker, state, reason, nodes } = hub.stats().cluster;
  if (broker === 'memory') return undefined;
  if (state === 'up') return { name: 'broker', found: `${broker} answers; hubs that are there: ${nodes}` };
  const advice =
    state === 'down'
      ? 'meanwhile hubs do not hear of each other: look at it, and at the network between'
      : 'meanwhile something that hubs ask of it fails';
  return { name: 'broker', found: `${broker} is ${state}: ${reason}`, advice };
}
