/** Runs a property with a seed that is the same every time, and printed by fast-check when it fails. SHARDHUB_SEED and SHARDHUB_RUNS say otherwise. */
import fc from 'fast-check';

export const SEED = Number(process.env.SHARDHUB_SEED ?? 20_260_101);

export function property<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void, numRuns = 150): void {
  fc.assert(fc.property(arbitrary, check), {
    seed: SEED,
    numRuns: Number(process.env.SHARDHUB_RUNS ?? numRuns),
  });
}
