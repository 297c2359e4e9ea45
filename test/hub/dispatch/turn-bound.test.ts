/** One turn of the front end works on replies until its time is up, and the next one goes on where it stopped. */
import { expect, test } from 'vitest';
import { Connections } from '../../../src/hub/connection/connections.js';
import { ReplyApplier } from '../../../src/hub/dispatch/replies.js';
import { Arena } from '../../../src/wire/arena.js';
import * as Flag from '../../../src/wire/flag.js';
import { InboundWriter } from '../../../src/wire/inbound.js';
import { Block, CONTROL_BYTES } from '../../../src/wire/layout.js';
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
  const block = new Block(new SharedArrayBuffer(1 << 20));
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
    new InboundWriter(control, new Block(new ArrayBuffer(1 << 16)), new Arena(new ArrayBuffer(0))),
    connections,
    {
      onDone: (_connection: unknown, records: number) => {
        done += records;
      },
      onFailure() {},
      onDeferred() {},
      onBegun() {},
      onRoomAsked() {},
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
