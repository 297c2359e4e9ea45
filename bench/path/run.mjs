/**
 * One process of `bench/path.mjs`: takes a number of messages of one load through the I/O thread's own code, and prints
 * what each cost in ns: on the way in, and on the way out.
 *
 * Real: connection, admission to the ring, both rings, applying of replies. Not there: engine, sockets and threads; the
 * worker's part is done between the two measured ones.
 */
import { Connection } from '../../dist/hub/connection/connection.js';
import { connectionLimits } from '../../dist/hub/connection/connection-limits.js';
import { Connections } from '../../dist/hub/connection/connections.js';
import { ReadMeter } from '../../dist/hub/connection/read-meter.js';
import { SendVerdict } from '../../dist/hub/connection/socket-port.js';
import { Shard } from '../../dist/hub/dispatch/shard.js';
import { SpareMemory } from '../../dist/hub/dispatch/spare-memory.js';
import { resolveOptions } from '../../dist/options/options.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { Arena } from '../../dist/wire/arena.js';
import * as Flag from '../../dist/wire/flag.js';
import { InboundReader } from '../../dist/wire/inbound.js';
import * as Inbound from '../../dist/wire/inbound-kind.js';
import { RingMemory } from '../../dist/wire/layout.js';
import { ReplyWriter } from '../../dist/wire/replies.js';
import * as Reply from '../../dist/wire/reply-kind.js';

/** Parts of the run; the first is dropped. */
const PARTS = 5;

const { load, messages } = JSON.parse(process.argv[2]);

/** Takes everything, and does nothing with it but count. */
class Port {
  sentBytes = 0;
  send(data) {
    this.sentBytes += data.length;
    return SendVerdict.Sent;
  }
  cork(work) {
    work();
  }
  bufferedBytes() {
    return 0;
  }
}

/** A worker that echoes when it is told to. */
class EchoLink {
  #inbound;
  #replies;
  async start(memory) {
    const control = new Int32Array(memory.control);
    this.#inbound = new InboundReader(control, new RingMemory(memory.inbound), new Arena(memory.arena));
    this.#replies = new ReplyWriter(control, new RingMemory(memory.replies), () => {
      throw new Error('the reply ring is full: the load is too large for one turn');
    });
    return { open: false, close: false };
  }
  notify() {}
  work() {
    const inbound = this.#inbound;
    inbound.refresh();
    while (inbound.next()) {
      const { kind, flags, slot, generation, position, length } = inbound;
      inbound.take();
      const isMessage = kind === Inbound.Message;
      const reply = isMessage ? Reply.Echo | (flags & Flag.Binary) : Reply.Finish;
      this.#replies.write(reply | Flag.Done, slot, generation, position, isMessage ? length : 0);
      this.#replies.commit();
    }
    inbound.release();
  }
}

const nothing = () => {};
const counters = new Counters();
const connections = new Connections();
const link = new EchoLink();
const shard = new Shard(
  0,
  {
    counters,
    connections,
    isLocal: false,
    maxPayload: 1,
    spareMemory: new SpareMemory(() => 0),
    concurrency: 1,
    makeMeter: nothing,
    schedule: nothing,
    onForgotten: nothing,
  },
  () => link,
);
await shard.start();
const turns = { count: 0, schedule: nothing };
const limits = connectionLimits(resolveOptions({ handler: 'echo' }));
const host = { meter: new ReadMeter(turns), limits, counters, flushSoon: nothing };
const route = { path: '/ws', handlerIndex: 0, connections: 0 };
const origin = { shard, request: '{}', route, remoteAddress: '', data: undefined, isVirtual: false };
const ports = [];
const sockets = Array.from({ length: load.connections }, () => {
  const port = new Port();
  ports.push(port);
  return connections.add((slot, generation) => new Connection({ ...origin, slot, generation }, port, host));
});
const received = Array.from({ length: load.inFlight }, () => new Uint8Array(load.size));

/** One turn of the I/O thread: everything that is in flight comes, and is answered. Adds to `times`. */
function turn(times) {
  turns.count++;
  const start = process.hrtime.bigint();
  for (const socket of sockets)
    for (const bytes of received) socket.onMessage(bytes, 0, bytes.length, 0, true);
  shard.flush();
  const handedOver = process.hrtime.bigint();
  link.work();
  const answered = process.hrtime.bigint();
  shard.apply(Number.POSITIVE_INFINITY);
  times.in += Number(handedOver - start);
  times.out += Number(process.hrtime.bigint() - answered);
}

const perTurn = load.connections * load.inFlight;
const turnsPerPart = Math.max(1, Math.round(messages / perTurn / PARTS));
let best;
for (let part = 0; part < PARTS; part++) {
  const times = { in: 0, out: 0 };
  for (let i = 0; i < turnsPerPart; i++) turn(times);
  // What disturbs a part makes it slower, never faster.
  if (part > 0 && (best === undefined || times.in + times.out < best.in + best.out)) best = times;
}
const expected = PARTS * turnsPerPart * perTurn * load.size;
const sent = ports.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
if (sent !== expected) throw new Error(`${sent} bytes were echoed instead of ${expected}`);
const count = turnsPerPart * perTurn;
console.log(JSON.stringify({ in: best.in / count, out: best.out / count }));
