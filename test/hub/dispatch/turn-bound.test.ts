/** One turn of the I/O thread works on replies until its time is up, and the next one goes on where it stopped. */
import { expect, test } from 'vitest';
import { Connection } from '../../../src/hub/connection/connection.js';
import type { ConnectionHost } from '../../../src/hub/connection/connection-host.js';
import { Connections } from '../../../src/hub/connection/connections.js';
import { SendVerdict } from '../../../src/hub/connection/socket-port.js';
import { ReplyApplier } from '../../../src/hub/dispatch/replies.js';
import { Shard } from '../../../src/hub/dispatch/shard.js';
import type { ShardHost } from '../../../src/hub/dispatch/shard-host.js';
import { SpareMemory } from '../../../src/hub/dispatch/spare-memory.js';
import { resolveOptions } from '../../../src/options/options.js';
import { Counters } from '../../../src/telemetry/counters.js';
import { Arena } from '../../../src/wire/arena.js';
import * as Flag from '../../../src/wire/flag.js';
import { InboundReader, InboundWriter } from '../../../src/wire/inbound.js';
import * as Inbound from '../../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory, type WorkerMemory } from '../../../src/wire/layout.js';
import { ReplyReader, ReplyWriter } from '../../../src/wire/replies.js';
import * as Reply from '../../../src/wire/reply-kind.js';

const REPLIES = 40_000;
/** A point in time that is over. */
const NOW_OR_NEVER = 0;

test.each([
  ['for one connection, all in a row', () => 0, 12_000],
  ['for two connections in turn', (i: number) => i % 2, 100],
] as const)('tiny replies %s', (_, slotOf, mostInATurn) => {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const block = new RingMemory(new SharedArrayBuffer(1 << 20));
  const writer = new ReplyWriter(control, block, () => {
    throw new Error('the ring is full');
  });
  const connections = new Connections();
  const peer = { cork: (work: () => void) => work(), send() {} };
  for (const _ of [0, 1]) {
    connections.add((slot, generation) => ({ ...peer, slot, generation }) as never);
  }
  let done = 0;
  const applier = new ReplyApplier(
    new ReplyReader(control, block),
    new InboundWriter(control, new RingMemory(new ArrayBuffer(1 << 16)), new Arena(new ArrayBuffer(0))),
    connections,
    {
      onDone: (_connection: unknown, records: number) => {
        done += records;
      },
      onFailure() {},
      onDeferred() {},
      onBegun() {},
      onCreditAsked() {},
    } as never,
    {} as never,
  );
  const nothing = new Uint8Array(0);
  for (let i = 0; i < REPLIES; i++) writer.writeBytes(Reply.Send | Flag.Done, slotOf(i), 1, nothing, 0);
  writer.commit();

  expect(applier.apply(NOW_OR_NEVER)).toBe(false);
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThanOrEqual(mostInATurn);
  while (!applier.apply(NOW_OR_NEVER)) {
    // The next turn.
  }
  expect(done).toBe(REPLIES);
});

test('memory is given back though turn after turn ends before all replies are applied', async () => {
  const SIZE = 4096;
  const IN_A_TURN = 32;
  /** Several times what a worker has for them. */
  const TURNS = 600;
  const link = new EchoLink();
  const counters = new Counters();
  const connections = new Connections();
  const host = {
    counters,
    connections,
    maxPayload: SIZE,
    spareMemory: new SpareMemory(() => 0),
    concurrency: 1,
    schedule() {},
    flushSoon() {},
    makeMeter() {},
  };
  const shard = new Shard(0, host as unknown as ShardHost<Shard>, () => link as never);
  await shard.start();
  const connectionHost = { ...host, limits: resolveOptions() } as unknown as ConnectionHost<Connection>;
  const port = { send: () => SendVerdict.Sent, bufferedBytes: () => 0, cork: (work: () => void) => work() };
  const origin = {
    shard,
    request: '{}',
    route: { path: '/', handlerIndex: 0, connections: 0 },
    remoteAddress: '',
    data: undefined,
  };
  const peers = [0, 1].map(() =>
    connections.add(
      (slot, generation) =>
        new Connection({ ...origin, slot, generation, isVirtual: false }, port as never, connectionHost),
    ),
  );
  const send = (count: number) => {
    for (let i = 0; i < count; i++) peers[i % 2]!.accept(new Uint8Array(SIZE), true);
    shard.flush();
    link.echo();
  };
  send(2 * IN_A_TURN);
  let early = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    send(IN_A_TURN);
    // One that comes to the end all the same, since the clock is not read at every reply, is given more to do.
    if (shard.apply(NOW_OR_NEVER)) send(2 * IN_A_TURN);
    else early++;
  }
  expect(early).toBeGreaterThan(TURNS / 2);
  expect(peers.map(({ backlog }) => backlog)).toEqual([undefined, undefined]);
});

/** A worker that echoes when it is told to. */
class EchoLink {
  #inbound!: InboundReader;
  #replies!: ReplyWriter;

  async start({ control: memory, inbound, arena, replies }: WorkerMemory) {
    const control = new Int32Array(memory);
    this.#inbound = new InboundReader(control, new RingMemory(inbound), new Arena(arena));
    this.#replies = new ReplyWriter(control, new RingMemory(replies), () => {
      throw new Error('the ring is full');
    });
    return { open: false, close: false };
  }

  notify() {}

  echo() {
    const inbound = this.#inbound;
    inbound.refresh();
    while (inbound.next()) {
      const { kind, slot, generation, position, length } = inbound;
      inbound.take();
      const isMessage = kind === Inbound.Message;
      const reply = isMessage ? Reply.Echo : Reply.Finish;
      this.#replies.write(reply | Flag.Done, slot, generation, position, isMessage ? length : 0);
    }
    this.#replies.commit();
    inbound.release();
  }
}
