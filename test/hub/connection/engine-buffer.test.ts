/** What sockets hold in the engine: those whose peers keep up share one record, which is never written to. */
import { expect, test } from 'vitest';
import { EngineBuffer } from '../../../src/hub/connection/engine-buffer.js';
import { Counters } from '../../../src/telemetry/counters.js';

test('what one socket holds is no other’s, and nothing is left once all of it has gone', () => {
  const counters = new Counters();
  const { EMPTY } = EngineBuffer;
  expect(EMPTY.see(0, 1, counters)).toBe(EMPTY);
  const own = EMPTY.see(5, 5, counters);
  const other = EMPTY.see(3, 5, counters);
  expect([own, other, EMPTY].map(({ bytes, isBlocked, isBehind }) => [bytes, isBlocked, isBehind])).toEqual([
    [5, true, true],
    [3, false, false],
    [0, false, false],
  ]);
  expect(counters.engineBytes).toBe(8);
  expect(own.see(0, 5, counters)).toBe(own);
  other.see(0, 5, counters);
  expect(counters.engineBytes).toBe(0);
});
