/** A connection with any backlog delays another's message by no more than one share of the ring. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Connection } from '../../../src/hub/connection/connection.js';
import type { ConnectionHost } from '../../../src/hub/connection/connection-host.js';
import { Connections } from '../../../src/hub/connection/connections.js';
import { InboundQueue } from '../../../src/hub/dispatch/inbound-queue.js';
import { resolveOptions } from '../../../src/options/options.js';
import { Counters } from '../../../src/telemetry/counters.js';
import { Arena } from '../../../src/wire/arena.js';
import * as Flag from '../../../src/wire/flag.js';
import { InboundReader, InboundWriter } from '../../../src/wire/inbound.js';
import * as Inbound from '../../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory } from '../../../src/wire/layout.js';
import * as Word from '../../../src/wire/word.js';
import { property } from '../../support/property.js';
import { IDLE_SHARD } from '../../support/servers/idle-shard.js';

/** Records that one connection may have in the ring, as long as nothing is known of the handler (src/hub/dispatch/inbound-queue.ts). */
const SHARE = 128;
const RING_BYTES = 64 * 1024;

/** An inboundQueue, and a worker that takes one record at a time. */
class Lab {
  readonly counters = new Counters();
  readonly connections = new Connections();
  readonly inboundQueue = new InboundQueue(this.counters, this.connections, () => {});
  readonly peers: Connection[];
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  readonly #reader: InboundReader;
  /** Messages of each peer that arrived, and that the worker has taken. */
  readonly arrived: number[];
  readonly taken: number[];
  readonly #waiting: { peer: number; serial: number; takenThen: number[] }[] = [];
  /** The most messages of one other connection that were taken while a message waited for its turn. */
  worstDelay = 0;

  constructor(count: number) {
    const block = new RingMemory(new SharedArrayBuffer(RING_BYTES));
    const arena = new Arena(new SharedArrayBuffer(RING_BYTES));
    const writer = new InboundWriter(
      this.#control,
      block,
      arena,
      new RingMemory(new ArrayBuffer(RING_BYTES)),
    );
    this.#reader = new InboundReader(this.#control, block, arena);
    this.inboundQueue.attach(writer);
    const host = {
      limits: resolveOptions(),
      counters: this.counters,
    } as unknown as ConnectionHost<Connection>;
    this.peers = Array.from({ length: count }, () =>
      this.connections.add((slot, generation) => {
        const origin = {
          slot,
          generation,
          shard: IDLE_SHARD,
          request: '{}',
          remoteAddress: '',
          route: { path: '/ws', handlerIndex: 0, connections: 0 },
          data: undefined,
          isVirtual: false,
        };
        return new Connection(origin, {} as never, host);
      }),
    );
    this.arrived = this.peers.map(() => 0);
    this.taken = this.peers.map(() => 0);
  }

  arrive(peer: number, bytes: number): void {
    const connection = this.peers[peer]!;
    // The first of a connection that has nothing else to say: nobody may hold it up.
    if (this.arrived[peer] === this.taken[peer])
      this.#waiting.push({ peer, serial: this.arrived[peer]!, takenThen: [...this.taken] });
    this.arrived[peer]!++;
    this.inboundQueue.enqueue(connection, Inbound.Message | Flag.Binary, new Uint8Array(bytes));
  }

  /** The worker takes and finishes so many records; false when there was none left. */
  work(count: number): boolean {
    for (let done = 0; done < count; ) {
      this.inboundQueue.flush();
      if (!this.#reader.refresh() || !this.#reader.next()) return false;
      const { kind, slot, length } = this.#reader;
      this.#reader.take();
      this.#reader.release();
      if (kind === Inbound.Message) {
        this.#take(slot);
        done++;
      }
      this.inboundQueue.finish(this.peers[slot], 1, kind === Inbound.Message ? length : 0);
      this.inboundQueue.release(Atomics.load(this.#control, Word.InReleased));
    }
    return true;
  }

  /** The worker works off all that is there, then the I/O thread hears of it. @returns whose messages, one after the other */
  workBatch(): number[] {
    const order: number[] = [];
    let bytes = 0;
    this.inboundQueue.flush();
    this.#reader.refresh();
    while (this.#reader.next()) {
      const { kind, slot, length } = this.#reader;
      this.#reader.take();
      if (kind !== Inbound.Message) this.inboundQueue.finish(this.peers[slot], 1, 0);
      else {
        this.#take(slot);
        order.push(slot);
        bytes = length;
      }
    }
    this.#reader.release();
    for (const slot of order) this.inboundQueue.finish(this.peers[slot], 1, bytes);
    this.inboundQueue.release(Atomics.load(this.#control, Word.InReleased));
    return order;
  }

  #take(peer: number): void {
    const serial = this.taken[peer]!++;
    const at = this.#waiting.findIndex((one) => one.peer === peer && one.serial === serial);
    if (at < 0) return;
    const { takenThen } = this.#waiting.splice(at, 1)[0]!;
    for (const [other, count] of this.taken.entries())
      if (other !== peer) this.worstDelay = Math.max(this.worstDelay, count - takenThen[other]!);
  }
}

const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      peer: fc.constant(0),
      count: fc.integer({ min: 1, max: 600 }),
      bytes: fc.nat(64),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      peer: fc.integer({ min: 1, max: 5 }),
      count: fc.integer({ min: 1, max: 3 }),
      bytes: fc.nat(3000),
    }),
  },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 200 }) },
);

test('whatever arrives in whatever order, no other connection gets more than a share ahead', () => {
  property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const lab = new Lab(6);
    for (const one of steps) {
      if (typeof one === 'number') lab.work(one);
      else for (let i = 0; i < one.count; i++) lab.arrive(one.peer, one.bytes);
    }
    while (lab.work(1));
    expect(lab.taken).toEqual(lab.arrived);
    expect(lab.worstDelay).toBeLessThanOrEqual(SHARE + 1);
    expect([lab.counters.inFlight, lab.counters.inFlightBytes, lab.inboundQueue.inFlight.records]).toEqual([
      0, 0, 0,
    ]);
  });
});

test('a large message gets its turn while many connections with one message each keep the ring full', () => {
  const polite = 3000;
  const lab = new Lab(polite + 1);
  const ask = () => {
    for (let peer = 1; peer <= polite; peer++)
      if (lab.arrived[peer] === lab.taken[peer]) lab.arrive(peer, 64);
  };
  ask();
  lab.arrive(0, 4000);
  for (let i = 0; i < 10 * polite && lab.taken[0] === 0; i++) {
    lab.work(1);
    ask();
  }
  expect(lab.taken[0]).toBe(1);
  expect(lab.worstDelay).toBeLessThanOrEqual(3);
});

test.each([8, 1000])('what waits behind a share enters in runs, not one message in turn: %i B', (bytes) => {
  const lab = new Lab(4);
  for (let peer = 0; peer < 4; peer++) for (let i = 0; i < 1000; i++) lab.arrive(peer, bytes);
  const order: number[] = [];
  for (let batch = lab.workBatch(); batch.length > 0; batch = lab.workBatch()) order.push(...batch);
  expect(lab.taken).toEqual(lab.arrived);
  const runs = order.filter((peer, i) => peer !== order[i - 1]).length;
  // Replies of a run leave in one write. Where the ring is full, a run goes on in the next batch.
  expect(order.length / runs).toBeGreaterThan(32);
});
