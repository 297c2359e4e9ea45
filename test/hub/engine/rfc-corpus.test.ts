/** The cases of RFC 6455 through the hub, with workers and without, and through its engine alone: the peer sees the same. */
import { createHub, type Hub } from 'shardhub';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineUnderTest } from '../../support/engines/under-test.mjs';
import { type Chunk, converse, type Outcome, validOutcome } from '../../support/protocol/conversation.js';
import { LAST_WORDS, sayLastWords } from '../../support/protocol/last-words.js';
import {
  CLOSES,
  CORPUS_MAX_PAYLOAD,
  INVALID,
  type RfcCase,
  TOLERATED,
  VALID,
} from '../../support/protocol/rfc-cases.js';
import { type Engine, startEngine } from '../../support/servers/engine.js';
import { until } from '../../support/until.js';

let engine: Engine;
let hubs: readonly Hub[];

beforeAll(async () => {
  const start = (workers: number) =>
    createHub({
      ...engineUnderTest,
      port: 0,
      workers,
      maxPayload: CORPUS_MAX_PAYLOAD,
      idleTimeout: 120,
      logLevel: 'silent',
    });
  engine = await startEngine(CORPUS_MAX_PAYLOAD);
  hubs = await Promise.all([start(2), start(0)]);
});

afterAll(async () => {
  await Promise.all([engine?.stop(), ...(hubs ?? []).map((hub) => hub.close({ timeoutMs: 50 }))]);
});

/** Vitest spreads a row over the arguments of its test. */
const named = ([name, ...chunks]: RfcCase): [string, Chunk[]] => [name, chunks];

/** The outcome at the engine, once both hubs have had the same. */
async function sameEverywhere(chunks: readonly Chunk[], isOver: boolean): Promise<Outcome> {
  const ports = [engine, ...hubs].map(({ port }) => port);
  const [alone, ...through] = await Promise.all(ports.map((port) => converse(port, chunks, isOver)));
  expect({ 'workers: 2': through[0], 'workers: 0': through[1] }).toEqual({
    'workers: 2': alone,
    'workers: 0': alone,
  });
  return alone!;
}

describe('valid frames are answered', () => {
  test.each(VALID.map(named))('%s', async (_name, chunks) => {
    expect(await sameEverywhere(chunks, false)).toEqual(validOutcome(chunks));
  });
});

describe('a close frame ends the connection', () => {
  test.each(CLOSES.map(named))('%s', async (_name, chunks) => {
    const { messages, end } = await sameEverywhere(chunks, true);
    expect(end).toMatch(/^close/);
    expect(messages).toEqual(validOutcome(chunks.slice(0, -1)).messages.slice(0, -1));
  });
});

describe('what breaks the rules ends the connection', () => {
  test.each(INVALID.map(named))('%s', async (_name, chunks) => {
    const valid = validOutcome(chunks.slice(0, -1));
    const { messages } = await sameEverywhere(chunks, true);
    expect(messages).toEqual(valid.messages.slice(0, -1));
  });
});

describe('what the engine tolerates', () => {
  test.each(TOLERATED.map(named))('%s', async (_name, chunks) => {
    const { messages, end } = await sameEverywhere(chunks, false);
    expect(messages).toHaveLength(2);
    expect(end).toMatch(/^close 1000/);
  });
});

/**
 * The one difference. The engine alone echoes a message before it reads on; a worker needs longer, and by then the rest
 * of the segment has ended the connection.
 */
describe('a message in the same segment as the end of its connection', () => {
  test.each(LAST_WORDS)('%s', async (_name, chunk) => {
    const { end, pongs } = await converse(engine.port, [chunk], true);
    for (const hub of hubs) expect(await sayLastWords(hub, chunk)).toMatchObject({ end, pongs });
  });
});

test('afterwards nothing is left, and no worker was lost', async () => {
  for (const hub of hubs) {
    await until('every connection to be gone', () => hub.stats().connections.open === 0);
    expect(hub.stats()).toMatchObject({
      messages: { inFlight: 0, inFlightBytes: 0 },
      outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
      workerExits: 0,
      handlerErrors: 0,
    });
  }
});
