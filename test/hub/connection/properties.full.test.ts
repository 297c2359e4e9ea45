/** Invariants of the small pure parts: queue, table, bucket and close reasons. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CLOSE_REASON_BYTES } from '../../../src/api/close-codes.js';
import type { Connection } from '../../../src/hub/connection/connection.js';
import { Connections } from '../../../src/hub/connection/connections.js';
import { OutboundQueue } from '../../../src/hub/connection/outbound.js';
import { Counters } from '../../../src/telemetry/counters.js';
import { Deque } from '../../../src/util/deque.js';
import { TokenBucket } from '../../../src/util/token-bucket.js';
import { decodeClose, encodeClose, truncateReason } from '../../../src/wire/close.js';
import { connectionId, parseConnectionId } from '../../../src/wire/id.js';
import { property } from '../../support/property.js';

test('Deque: the same as an array', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    { weight: 2, arbitrary: fc.constantFrom(-1, -700, 900, 0) },
  );
  property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const deque = new Deque<number>();
    const model: number[] = [];
    let serial = 0;
    for (const count of steps) {
      for (let i = 0; i < count; i++) {
        deque.push(serial);
        model.push(serial++);
      }
      for (let i = 0; i > count; i--) expect(deque.shift()).toBe(model.shift());
      if (count === 0) {
        deque.clear();
        model.length = 0;
      }
      expect([deque.length, deque.peek()]).toEqual([model.length, model[0]]);
    }
    expect([...deque]).toEqual(model);
    expect([...Deque.from(model)]).toEqual(model);
  });
});

describe('OutboundQueue', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 4, max: 60 }) },
    { weight: 3, arbitrary: fc.constant('shift' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  );
  const limits = fc.record({
    maxQueueBytes: fc.integer({ min: 1, max: 200 }),
    maxQueueMessages: fc.integer({ min: 1, max: 8 }),
    slowConsumer: fc.constantFrom('close' as const, 'drop-newest' as const, 'drop-oldest' as const),
  });

  test('stays within its bounds, loses nothing uncounted and keeps the order', () => {
    property(fc.tuple(limits, fc.array(step, { maxLength: 80, size: 'max' })), ([bounds, steps]) => {
      const counters = new Counters();
      const queue = new OutboundQueue(bounds, counters);
      const others = { messages: 3, bytes: 1000 };
      counters.queuedMessages = others.messages;
      counters.queuedBytes = others.bytes;
      const seen: number[] = [];
      let offered = 0;
      let cleared = 0;
      let overflows = 0;
      for (const one of steps) {
        if (one === 'clear') cleared += queue.clear();
        else if (one === 'shift') {
          const message = queue.shift();
          if (message !== undefined) seen.push(Buffer.from(message.data).readUInt32BE());
        } else {
          const data = Buffer.alloc(one);
          data.writeUInt32BE(offered++);
          const before = [queue.length, queue.bytes];
          const fits = queue.bytes + one <= bounds.maxQueueBytes && queue.length < bounds.maxQueueMessages;
          const verdict = queue.enqueueCopy(data, true);
          // The caller's memory is its own again.
          data.fill(255);
          if (fits) expect(verdict).toBe('queued');
          if (verdict === 'overflow') overflows++;
          if (verdict !== 'queued' && bounds.slowConsumer !== 'drop-oldest')
            expect([queue.length, queue.bytes]).toEqual(before);
          if (verdict === 'overflow') expect(bounds.slowConsumer).toBe('close');
        }
        expect(queue.bytes).toBeLessThanOrEqual(bounds.maxQueueBytes);
        expect(queue.length).toBeLessThanOrEqual(bounds.maxQueueMessages);
        expect(counters.queuedMessages - others.messages).toBe(queue.length);
        expect(counters.queuedBytes - others.bytes).toBe(queue.bytes);
        const dropped = counters.dropped['drop-newest'] + counters.dropped['drop-oldest'];
        expect(seen.length + cleared + overflows + dropped + queue.length).toBe(offered);
      }
      for (let message = queue.shift(); message !== undefined; message = queue.shift())
        seen.push(Buffer.from(message.data).readUInt32BE());
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(new Set(seen).size).toBe(seen.length);
      expect(queue.bytes).toBe(0);
    });
  });
});

describe('Connections', () => {
  const make = (slot: number, generation: number) => ({ slot, generation }) as Connection;

  test('an id is never used again for another peer, and an id of one that is gone finds nobody', () => {
    property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 100, size: 'max' }), (steps) => {
      const table = new Connections();
      const open: Connection[] = [];
      const gone: Connection[] = [];
      const ids = new Set<string>();
      for (const step of steps) {
        if (step >= 0) {
          const connection = table.add(make);
          const id = connectionId(connection.slot, connection.generation);
          expect(ids.has(id)).toBe(false);
          expect(parseConnectionId(id)).toEqual({ slot: connection.slot, generation: connection.generation });
          ids.add(id);
          open.push(connection);
        } else if (open.length > 0) {
          const [connection] = open.splice(-step % open.length, 1);
          table.remove(connection!);
          table.remove(connection!);
          gone.push(connection!);
        }
        for (const one of open) expect(table.get(one.slot, one.generation)).toBe(one);
        for (const one of gone) expect(table.get(one.slot, one.generation)).toBeUndefined();
        expect(table.size).toBe(open.length);
        expect(new Set(table)).toEqual(new Set(open));
      }
    });
  });

  test('a slot whose generations are used up rests for good', () => {
    const table = new Connections();
    const last = table.add((slot) => make(slot, 0x7fff_ffff));
    table.remove(last);
    expect(table.add(make).slot).not.toBe(last.slot);
  });
});

test('TokenBucket: what passes in any span is at most its capacity and what the span refills; patience is rewarded', () => {
  const step = fc.record({
    wait: fc.oneof(fc.constant(0), fc.nat(5000)),
    count: fc.integer({ min: 1, max: 40 }),
  });
  const bucketOf = fc.record({
    perSecond: fc.integer({ min: 1, max: 100 }),
    capacity: fc.integer({ min: 1, max: 50 }),
  });
  property(
    fc.tuple(bucketOf, fc.array(step, { maxLength: 40, size: 'max' })),
    ([{ perSecond, capacity }, steps]) => {
      let now = 1000;
      const bucket = new TokenBucket(perSecond, capacity, now);
      const passed: { at: number; count: number }[] = [];
      for (const { wait, count } of steps) {
        now += wait;
        if (bucket.take(count, now)) passed.push({ at: now, count });
        for (const [i, first] of passed.entries()) {
          const total = passed.slice(i).reduce((sum, one) => sum + one.count, 0);
          expect(total).toBeLessThanOrEqual(capacity + ((now - first.at) * perSecond) / 1000 + 1e-6);
        }
      }
      now += (capacity / perSecond) * 1000 + 1e-6;
      expect(bucket.take(capacity, now)).toBe(true);
      expect(bucket.take(1, now)).toBe(false);
    },
  );
});

test('a close reason is cut to what fits, at a character, and crosses the ring unharmed', () => {
  property(
    fc.tuple(fc.string({ unit: 'binary', maxLength: 150 }), fc.integer({ min: 1000, max: 4999 })),
    ([reason, code]) => {
      const cut = truncateReason(reason);
      expect(reason.startsWith(cut)).toBe(true);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(MAX_CLOSE_REASON_BYTES);
      expect(Buffer.from(cut).toString()).toBe(cut);
      const [next] = reason.slice(cut.length);
      if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(MAX_CLOSE_REASON_BYTES);
      expect(decodeClose(encodeClose(code, reason))).toEqual({ code, reason: cut });
    },
    500,
  );
});
