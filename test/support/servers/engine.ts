/** The engine alone, in a process of its own: what the hub is measured by where it must not make a difference. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface Engine {
  readonly port: number;
  stop(): Promise<void>;
}

/** An echo server on the bare engine. `maxPayload` is the hub's option: the hub gives the engine twice as much. */
export async function startEngine(maxPayload: number): Promise<Engine> {
  const child = fork(new URL('engine-echo.mjs', import.meta.url), [String(maxPayload * 2)]);
  const gone = once(child, 'exit');
  const [{ port }] = await Promise.race([
    once(child, 'message'),
    gone.then(() => Promise.reject(new Error('the engine did not start'))),
  ]);
  return {
    port,
    stop: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
