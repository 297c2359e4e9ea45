/** A message in the same segment as the end of its connection: by the time that a worker answers it, nobody may be there. */
import type { Hub } from 'shardhub';
import { expect } from 'vitest';
import { until } from '../until.js';
import { type Chunk, converse, type Outcome } from './conversation.js';
import { closePayload, Opcode } from './frames.js';

const message = { opcode: Opcode.Text, payload: 'just in time?' };

export const LAST_WORDS: readonly (readonly [name: string, chunk: Chunk])[] = [
  ['a close frame', [message, { opcode: Opcode.Close, payload: closePayload(1000) }]],
  ['a violation', [message, { opcode: Opcode.Text, payload: 'x', rsv: 2 }]],
  ['a bad text', [message, { opcode: Opcode.Text, payload: Buffer.from([0xff]) }]],
];

/** The outcome, once the message has been answered, or counted as one whose peer was gone. */
export async function sayLastWords(hub: Hub, chunk: Chunk): Promise<Outcome> {
  const before = hub.stats();
  const outcome = await converse(hub.port, [chunk], true);
  const isIdle = () => hub.stats().messages.inFlight === 0 && hub.stats().connections.open === 0;
  await until('the message to be finished', isIdle);
  const after = hub.stats();
  expect(after.messages.received - before.messages.received).toBe(1);
  const dropped = after.dropped['connection-gone'] - before.dropped['connection-gone'];
  expect(outcome.messages.length + dropped).toBe(1);
  return outcome;
}
