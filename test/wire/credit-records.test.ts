/** Records that tell a worker of room: in the ring, and in the way of nothing. */
import { expect, test } from 'vitest';
import { Connection } from '../../src/hub/connection/connection.js';
import type { ConnectionHost } from '../../src/hub/connection/connection-host.js';
import { Connections } from '../../src/hub/connection/connections.js';
import { InboundQueue } from '../../src/hub/dispatch/inbound-queue.js';
import { resolveOptions } from '../../src/options/options.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Arena } from '../../src/wire/arena.js';
import { InboundReader, InboundWriter } from '../../src/wire/inbound.js';
import * as Inbound from '../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory } from '../../src/wire/layout.js';
import * as Word from '../../src/wire/word.js';
import { IDLE_SHARD } from '../support/servers/idle-shard.js';

/** Full before one connection is at its share. */
const RING_BYTES = 1024;

function setUp() {
  const counters = new Counters();
  const connections = new Connections();
  const inboundQueue = new InboundQueue(counters, connections, () => {});
  const connection = connections.add((slot, generation) => {
    const origin = {
      slot,
      generation,
      shard: IDLE_SHARD,
      request: '{}',
      remoteAddress: '',
      data: undefined,
      route: { path: '/ws', handlerIndex: 0, connections: 0 },
      isVirtual: false,
    };
    return new Connection(
      origin,
      {} as never,
      { limits: resolveOptions(), counters } as unknown as ConnectionHost<Connection>,
    );
  });
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const block = new RingMemory(new SharedArrayBuffer(RING_BYTES));
  const arena = new Arena(new ArrayBuffer(0));
  const attach = () => inboundQueue.attach(new InboundWriter(control, block, arena));
  const reader = new InboundReader(control, block, arena);
  /** The kinds of all records that are there. */
  const take = () => {
    const kinds: number[] = [];
    reader.refresh();
    while (reader.next()) {
      reader.take();
      reader.release();
      kinds.push(reader.kind);
    }
    return kinds;
  };
  return { counters, inboundQueue, connection, control, attach, take };
}

test('a worker that does not know the connection is told nothing', () => {
  const { inboundQueue, connection, attach, take } = setUp();
  attach();
  inboundQueue.grantCredit(connection);
  inboundQueue.flush();
  expect(take()).toEqual([]);
});

test('it is no message: neither in flight, nor for the replacement of a worker that dies with it', () => {
  const { counters, inboundQueue, connection, control, attach, take } = setUp();
  attach();
  inboundQueue.enqueue(connection, Inbound.Message, Uint8Array.of(1));
  inboundQueue.flush();
  expect(take()).toEqual([Inbound.Open, Inbound.Message]);
  const { inFlight } = counters;
  inboundQueue.finish(connection, 1, 0);
  inboundQueue.finish(connection, 1, 1);
  inboundQueue.grantCredit(connection);
  inboundQueue.grantCredit(connection);
  inboundQueue.flush();
  expect(counters.inFlight).toBe(inFlight - 2);
  // Two are in the ring, untaken, and one is not even there.
  inboundQueue.grantCredit(connection);
  inboundQueue.pause(Atomics.load(control, Word.InTaken));
  expect(inboundQueue.detach([connection])).toEqual([]);
  expect(connection).toMatchObject({ backlog: undefined, wantsCredit: false, inFlight: 0, inRing: 0 });
});

test('it waits while the ring is full, and comes ahead of the backlog', () => {
  const { inboundQueue, connection, control, attach, take } = setUp();
  attach();
  for (let i = 0; i < 100; i++) inboundQueue.enqueue(connection, Inbound.Message, new Uint8Array(0));
  inboundQueue.grantCredit(connection);
  inboundQueue.flush();
  const before = take();
  expect(before).not.toContain(Inbound.Credit);
  expect(connection.backlog?.length).toBe(100 - (before.length - 1));
  inboundQueue.release(Atomics.load(control, Word.InReleased));
  for (let i = 0; i < before.length; i++) inboundQueue.finish(connection, 1, 0);
  inboundQueue.flush();
  expect(take()[0]).toBe(Inbound.Credit);
});
