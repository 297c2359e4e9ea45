/** The cases of RFC 6455 through a hub on engine node, with workers and without: each is answered as the RFC says, none by a reset. */
import type { Hub } from 'shardhub';
import { createHub } from 'shardhub';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chunk, converse, type Outcome, validOutcome } from '../../../support/protocol/conversation.js';
import { LAST_WORDS, sayLastWords } from '../../../support/protocol/last-words.js';
import {
  CLOSES,
  CORPUS_MAX_PAYLOAD,
  INVALID,
  type RfcCase,
  TOLERATED,
  VALID,
} from '../../../support/protocol/rfc-cases.js';
import { until } from '../../../support/until.js';

let hubs: readonly Hub[];

beforeAll(async () => {
  const limits = { maxPayload: CORPUS_MAX_PAYLOAD, idleTimeout: 120 };
  const start = (workers: number) =>
    createHub({ engine: 'node', port: 0, workers, logLevel: 'silent', ...limits });
  hubs = await Promise.all([start(2), start(0)]);
});

afterAll(() => Promise.all((hubs ?? []).map((hub) => hub.close({ timeoutMs: 50 }))));

const named = ([name, ...chunks]: RfcCase): [string, Chunk[]] => [name, chunks];

/** With workers and without, the peer sees the same. */
async function outcomeOf(chunks: readonly Chunk[], isOver: boolean): Promise<Outcome> {
  const [threaded, local] = await Promise.all(hubs.map(({ port }) => converse(port, chunks, isOver)));
  expect(threaded).toEqual(local);
  return local!;
}

/** RFC 6455 §7.4.1: what is no UTF-8, what is too big, and all else. */
function codeFor(name: string): number {
  // No length has that bit (§5.2).
  if (name === 'a length of 2^63') return 1002;
  if (/^a (message over|length of 2)/.test(name)) return 1009;
  const isText = /byte|overlong|surrogate|letter|bad text|F5|UTF-8|cut reason/.test(name);
  return isText && !/^a close of one byte/.test(name) ? 1007 : 1002;
}

describe('valid frames are answered', () => {
  test.each(VALID.map(named))('%s', async (_name, chunks) => {
    expect(await outcomeOf(chunks, false)).toEqual(validOutcome(chunks));
  });
});

describe('a close frame is answered with its own code', () => {
  test.each(CLOSES.map(named))('%s', async (name, chunks) => {
    const { messages, end } = await outcomeOf(chunks, true);
    const code = /code (\d+)/.exec(name)?.[1] ?? (name === 'without a code' ? '0' : '1000');
    expect(end).toMatch(new RegExp(`^close ${code} "`));
    expect(messages).toEqual(validOutcome(chunks.slice(0, -1)).messages.slice(0, -1));
  });
});

describe('what breaks the rules is answered with a close frame that says how', () => {
  test.each(INVALID.map(named))('%s', async (name, chunks) => {
    const { messages, end } = await outcomeOf(chunks, true);
    expect(end).toMatch(new RegExp(`^close ${codeFor(name)} `));
    expect(messages).toEqual(validOutcome(chunks.slice(0, -1)).messages.slice(0, -1));
  });

  test.each(TOLERATED.map(named))('also %s', async (_name, chunks) => {
    const { messages, end } = await outcomeOf(chunks, true);
    expect([messages, end]).toEqual([[], expect.stringMatching(/^close 1002 /)]);
  });
});

describe('a message in the same segment as the end of its connection', () => {
  test.each(LAST_WORDS)('%s', async (name, chunk) => {
    const code = { 'a close frame': 1000, 'a bad text': 1007 }[name] ?? 1002;
    for (const hub of hubs)
      expect((await sayLastWords(hub, chunk)).end).toMatch(new RegExp(`^close ${code} `));
  });
});

test('afterwards nothing is left, and no worker was lost', async () => {
  for (const hub of hubs) {
    await until('every connection to be gone', () => hub.stats().connections.open === 0);
    // Who broke the rules was counted, by what it was.
    const { invalid } = hub.stats();
    for (const reason of ['protocol-error', 'invalid-utf8', 'too-large', 'close-payload'] as const)
      expect(invalid[reason], reason).toBeGreaterThan(0);
    expect(hub.stats()).toMatchObject({
      messages: { inFlight: 0, inFlightBytes: 0 },
      outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
      workerExits: 0,
      handlerErrors: 0,
    });
  }
});
