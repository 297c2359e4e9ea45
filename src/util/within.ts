/** Waiting for a promise, at most so long. Both threads. */
import { Deadlines } from './deadlines.js';

/** The longest that a timer of Node.js takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits for a promise, at most so long. Leaves no timer behind.
 *
 * @returns false when the time was over first; a rejection in time is passed on
 */
export async function within(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same in time that this thread ran: at a debugger's breakpoint, nobody is late. */
export async function withinRunning(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let onLate: () => void;
  const late = new Promise<false>((resolve) => {
    onLate = () => resolve(false);
  });
  const deadlines = new Deadlines(timeoutMs, () => onLate());
  deadlines.add(promise);
  // The clock of deadlines keeps no thread alive.
  const anchor = setTimeout(() => {}, MAX_TIMER_MS);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(anchor);
    deadlines.takeAll();
  }
}
