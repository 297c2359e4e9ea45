/** A worker that has been quick looks at its clock now and then; once handlers take long, replies leave after each. */
import { expect, test } from 'vitest';
import { Patterns } from '../../src/util/patterns.js';
import { Arena } from '../../src/wire/arena.js';
import { InboundReader, InboundWriter } from '../../src/wire/inbound.js';
import * as Inbound from '../../src/wire/inbound-kind.js';
import { CONTROL_BYTES, RingMemory } from '../../src/wire/layout.js';
import { ReplyWriter } from '../../src/wire/replies.js';
import type { RuntimeSettings } from '../../src/wire/worker-task.js';
import { Requests } from '../../src/workers/access/requests.js';
import { LogWriter } from '../../src/workers/log/log-writer.js';
import { Pace } from '../../src/workers/pace.js';
import { Runtime } from '../../src/workers/runtime.js';

const QUICK = 1000;
const SLOW = 40;
/** Records that may go by until slow ones are noticed (src/workers/runtime.ts). */
const UNNOTICED = 8;

test('slow messages behind quick ones: their replies do not wait for each other', async () => {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
  const [ring, arena] = [new RingMemory(new ArrayBuffer(1 << 20)), new Arena(new ArrayBuffer(0))];
  const writer = new InboundWriter(control, ring, arena);
  const replies = new ReplyWriter(control, new RingMemory(new ArrayBuffer(1 << 20)), () => {});
  let handled = 0;
  let notified = 0;
  /** How often the I/O thread had been told when each slow message began. */
  const before: number[] = [];
  const message = () => {
    if (++handled <= QUICK) return;
    before.push(notified);
    for (const end = performance.now() + 1; performance.now() < end; );
  };
  const settings = { ordering: 'serial', handlerTimeoutMs: 0, workers: 1 } as RuntimeSettings;
  const handler = { message, payload: 'borrowed' } as const;
  const access = { requests: new Requests(), topics: new Patterns<boolean>({}), isShared: false };
  const log = new LogWriter({ replies, notifyIoThread: () => {} }, new Int32Array(1));
  const runtime = new Runtime(
    [handler],
    settings,
    new InboundReader(control, ring, arena),
    replies,
    log,
    {
      waitForRecords: () => false,
      park: () => true,
      stir() {},
      step() {},
      notifyIoThread: () => notified++,
      stopped() {},
    },
    access,
  );
  writer.tryWriteText(Inbound.Open, 0, 1, '[0');
  for (let i = 0; i < QUICK + SLOW; i++) writer.tryWrite(Inbound.Message, 0, 1, new Uint8Array(8));
  writer.flush();
  runtime.wake();
  while (handled < QUICK + SLOW) await new Promise((resolve) => setImmediate(resolve));
  for (let i = UNNOTICED + 1; i < SLOW; i++)
    expect(before[i], `message ${i}`).toBeGreaterThan(before[i - 1]!);
});

test('of records that are steadily cheap few are measured, and those stand for all', () => {
  const RECORDS = 20_000;
  const pace = new Pace();
  pace.startTurn();
  const weights: number[] = [];
  for (let i = 0; i < RECORDS; i++) {
    if (pace.weight > 0) weights.push(pace.weight);
    pace.next();
  }
  const sum = weights.reduce((all, weight) => all + weight, 0);
  expect(Math.abs(RECORDS - sum)).toBeLessThanOrEqual(32);
  // One in 32, and a few more for each time that the thread was held up.
  expect(weights.length).toBeLessThan(RECORDS / 16);
});
