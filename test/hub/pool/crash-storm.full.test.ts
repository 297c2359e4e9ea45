/** A thousand workers that die at random, under load. SHARDHUB_STORM_DEATHS sets how many (`npm run soak` takes 5,000). */
import { test } from 'vitest';
import { crashStorm, stormTimeoutMs } from '../../support/faults/crash-storm.js';

const DEATHS = Number(process.env.SHARDHUB_STORM_DEATHS ?? 1000);

test.each([
  ['serial', DEATHS],
  // Replies leave in the same order, so its clients cannot tell.
  ['concurrent', Math.ceil(DEATHS / 10)],
] as const)(
  '%s: %i random deaths under load cost exactly the connections that caused them',
  { timeout: 2 * stormTimeoutMs(DEATHS) },
  crashStorm,
);
