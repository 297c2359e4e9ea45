/** Time that a test moves by itself. In memory only: a worker thread has a clock of its own. I/O thread. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HubError } from '../api/errors.js';

/** What stands still: `setImmediate` and microtasks go on, as the hub itself needs them. */
const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] as const;

export interface FakeTime {
  /** Moves it on by so many ms: what is due meanwhile happens, in its order. */
  advance(ms: number): Promise<void>;
  /** Back to the clock on the wall. */
  end(): void;
}

/** @throws HubError `ERR_ARGUMENT` when the package that does it is not installed */
export async function startFakeTime(): Promise<FakeTime> {
  const { install } = await import('@sinonjs/fake-timers').catch((cause: unknown) => {
    const text =
      'fakeTime takes the package @sinonjs/fake-timers: npm install --save-dev @sinonjs/fake-timers';
    throw new HubError('ERR_ARGUMENT', text, { cause });
  });
  const clock = install({ now: Date.now(), toFake: [...FAKED] });
  return {
    advance: async (ms) => {
      await clock.tickAsync(ms);
      // What timers have set off goes through the hub's turns.
      for (let i = 0; i < 4; i++) await nextTurn();
    },
    end: () => clock.uninstall(),
  };
}
