/** How a node works on what other programs have added for topics with history. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { RawInbox } from '../../src/broker/redis/raw-inbox.js';
import { BOUNDS } from '../support/broker/contract.js';

test('an answer that takes longer than the lease is worked on all the same; what takes long is asked for anew', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const fields = ['topic', 'kept:1', 'data', 'x'].map((text) => Buffer.from(text));
  const left = ['1', '2', '3', '4'];
  const taken: number[] = [];
  const inbox: RawInbox = new RawInbox({
    boundsOf: () => BOUNDS,
    dropRaw: async () => {},
    takeRaw: async () => {
      vi.advanceTimersByTime(10_000);
      taken.push(left.length);
      // Asked for in vain, it would be for ever.
      if (left.length === 0 || taken.length > 9) inbox.stop();
      return left.map((id) => ({ id, fields }));
    },
    moveRaw: async (id) => {
      expect(left.shift()).toBe(id);
      vi.advanceTimersByTime(1000);
    },
  });
  inbox.start();
  for (let i = 0; i < 99; i++) await vi.advanceTimersByTimeAsync(100);
  expect(taken).toEqual([4, 2, 0]);
});
