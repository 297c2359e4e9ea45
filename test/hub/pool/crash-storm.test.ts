/** Some workers that die at random, under load; a thousand do in crash-storm.full.test.ts. */
import { test } from 'vitest';
import { crashStorm, stormTimeoutMs } from '../../support/faults/crash-storm.js';

test.each([
  ['serial', 8],
  ['concurrent', 4],
] as const)(
  '%s: %i random deaths under load cost exactly the connections that caused them',
  { timeout: 2 * stormTimeoutMs(8) },
  crashStorm,
);
