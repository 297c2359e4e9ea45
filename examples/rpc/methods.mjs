// @ts-check
/** What can be called, and with what. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

/** @type {(n: number) => number} */
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));

/** @type {(text: string, rounds: number) => string} */
function hash(text, rounds) {
  let digest = text;
  for (let i = 0; i < rounds; i++) digest = createHash('sha256').update(digest).digest('hex');
  return digest;
}

export const methods = new Map([
  method('add', z.tuple([z.number(), z.number()]), ([a, b]) => a + b),
  // Slow on purpose: it takes about 1.6 times as long for each step.
  method('fib', z.strictObject({ n: z.int().min(0).max(45) }), ({ n }) => fib(n)),
  method(
    'hash',
    z.strictObject({ text: z.string(), rounds: z.int().min(1).max(10_000_000).default(1) }),
    ({ text, rounds }) => hash(text, rounds),
  ),
  method('wait', z.strictObject({ ms: z.int().min(0).max(10_000) }), ({ ms }) => delay(ms, 'waited')),
  // A divisor of 0 was forgotten, so that an internal error can be seen.
  method('divide', z.tuple([z.int(), z.int()]), ([a, b]) => Number(BigInt(a) / BigInt(b))),
]);

/**
 * @template {z.ZodType} Params
 * @param {string} name
 * @param {Params} params
 * @param {(params: z.output<Params>) => unknown} run
 * @returns {[string, import('./rpc.mjs').Method]}
 */
function method(name, params, run) {
  return [name, { params, run: /** @type {(params: unknown) => unknown} */ (run) }];
}
