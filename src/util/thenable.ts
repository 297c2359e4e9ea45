/** Tells what can be awaited. Both threads. */

/** True for a promise, or whatever else has a method `then`. hot */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
