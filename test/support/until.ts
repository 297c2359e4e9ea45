/**
 * Waiting for something to become true. This is the only place in the tests that sleeps: a test names the
 * condition it waits for, and a machine that is slow only makes it wait longer.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** When to give up. Far beyond what any machine needs: it turns a hang into a message, it is not a limit on speed. */
  readonly deadlineMs?: number;
  readonly everyMs?: number;
}

/**
 * Polls until `condition` returns something truthy, and returns that.
 *
 * @param what completes the sentence "waited in vain for …"
 */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | Promise<T>,
  { deadlineMs = 40_000, everyMs = 5 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await sleep(everyMs);
  }
}

/** Lets the event loop turn, so that every socket that is ready is read once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
