/** How long a pong is waited for, where the connection is not read meanwhile. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Connection } from '../../../src/hub/connection/connection.js';
import { Pings } from '../../../src/hub/pubsub/pings.js';
import { Counters } from '../../../src/telemetry/counters.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const start = () => {
  const pings = new Pings(new Counters());
  const connection = { id: '0.1', isPaused: false, member: undefined, ping: () => true };
  let outcome = 'waits';
  const ping = () => {
    pings.ping(connection as unknown as Connection, undefined, 100).then(
      () => (outcome = 'a pong'),
      ({ code }) => (outcome = code),
    );
  };
  const pause = (isPaused: boolean) => {
    connection.isPaused = isPaused;
    if (isPaused) pings.onPaused(connection as unknown as Connection);
  };
  const after = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return outcome;
  };
  return { ping, pause, after };
};

test('a connection that is read has the time that was given, and no more', async () => {
  const { ping, after } = start();
  ping();
  expect(await after(99)).toBe('waits');
  expect(await after(2)).toBe('ERR_PING_TIMEOUT');
});

test.each([
  ['from before the ping on', [true, 150]],
  ['from later on, until behind the end of the time', [false, 50, true, 100]],
  ['for a moment within the time', [false, 50, true, 10]],
])('one that was not read %s has all of the time again', async (_, steps) => {
  const { ping, pause, after } = start();
  pause(steps[0] as boolean);
  ping();
  for (const step of steps.slice(1)) {
    if (typeof step === 'boolean') pause(step);
    else expect(await after(step)).toBe('waits');
  }
  pause(false);
  // A look within that time finds that it was held, and gives as much as asked for from then on.
  expect(await after(100)).toBe('waits');
  expect(await after(101)).toBe('ERR_PING_TIMEOUT');
});
