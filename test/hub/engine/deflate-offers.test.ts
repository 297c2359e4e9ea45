/** The negotiation of permessage-deflate (RFC 7692 §7.1): an answer that the offer allows, data that obey the answer. */
import { createInflateRaw, constants as zlib } from 'node:zlib';
import { Prng } from 'shardhub/testing';
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from 'ws';
import { chooseOffer } from '../../../src/hub/engine/deflate-offer.js';
import { RawClient, tryHandshake } from '../../support/clients/raw-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { startHub } from '../../support/servers/hubs.js';

const MODES = [['shared'], ['dedicated']] as const;
const PMD = 'permessage-deflate';
const bits = [8, 9, 10, 11, 12, 13, 14, 15];

type Parameters = Readonly<Record<string, string>>;

/** Names and values of one extension; a name without a value has an empty one. */
function parse(extension: string): Parameters {
  const [name, ...parameters] = extension.split(';').map((part) => part.trim());
  expect(name).toBe(PMD);
  const pairs = parameters.map((part) => part.split('=') as [string, string?]);
  expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
  return Object.fromEntries(pairs.map(([key, value = '']) => [key, value]));
}

/** What RFC 7692 §7.1 demands of an answer. */
function expectLegal(offer: Parameters, answer: Parameters): void {
  const upTo = (name: string, most: number) => {
    expect(Number(answer[name])).toBeGreaterThanOrEqual(8);
    expect(Number(answer[name])).toBeLessThanOrEqual(most);
  };
  for (const [name, value] of Object.entries(answer)) {
    if (name.endsWith('_no_context_takeover')) expect(value).toBe('');
    else if (name === 'server_max_window_bits') upTo(name, Number(offer[name] ?? 15));
    else {
      expect(name).toBe('client_max_window_bits');
      expect(offer).toHaveProperty(name);
      upTo(name, Number(offer[name] || 15));
    }
  }
  for (const name of ['server_no_context_takeover', 'server_max_window_bits'])
    if (name in offer) expect(answer).toHaveProperty(name);
}

/** Every offer that is right. */
const OFFERS = ['', '; server_no_context_takeover'].flatMap((server) =>
  ['', '; client_no_context_takeover'].flatMap((client) =>
    ['', ...bits.map((n) => `; server_max_window_bits=${n}`)].flatMap((serverBits) =>
      ['', '; client_max_window_bits', ...bits.map((n) => `; client_max_window_bits=${n}`)].map(
        (clientBits) => PMD + server + client + serverBits + clientBits,
      ),
    ),
  ),
);

/** Inflates messages as a client does that keeps no larger window than was agreed. */
async function inflateAll(
  payloads: readonly Buffer[],
  windowBits: number,
  isReset: boolean,
): Promise<Buffer[]> {
  const create = () => createInflateRaw({ windowBits, chunkSize: 64, finishFlush: zlib.Z_SYNC_FLUSH });
  let stream = create();
  const messages: Buffer[] = [];
  for (const payload of payloads) {
    if (isReset) stream = create();
    const parts: Buffer[] = [];
    const collect = (part: Buffer) => parts.push(part);
    stream.on('data', collect);
    await new Promise<void>((resolve, reject) => {
      stream.once('error', reject);
      stream.write(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]));
      stream.flush(zlib.Z_SYNC_FLUSH, () => resolve());
    });
    stream.off('data', collect);
    messages.push(Buffer.concat(parts));
  }
  return messages;
}

/** Noise that comes again after each of these distances: what compresses it well refers back so far. */
function repeating(): Buffer {
  const random = new Prng(7);
  const noise = (size: number) => Buffer.from(Array.from({ length: size }, () => random.int(0, 255)));
  return Buffer.concat(
    [200, 400, 700, 1500, 3000, 6000].flatMap((distance) => {
      const block = noise(distance);
      return [block, block];
    }),
  );
}

describe.each(MODES)('%s', (compression) => {
  test('every answer is one that the offer allows, and data keep to it', async () => {
    const { hub } = await startHub({ workers: 0, compression, compressionMinBytes: 0 });
    const answers = new Map<string, string>();
    for (const offer of OFFERS) {
      const { status, headers } = await tryHandshake(hub.port, {
        headers: { 'sec-websocket-extensions': offer },
      });
      expect(status).toBe(101);
      const answer = headers['sec-websocket-extensions'];
      if (answer === undefined) continue;
      expectLegal(parse(offer), parse(answer));
      // What concerns what the hub sends.
      answers.set(answer.replaceAll(/; client_[^;]*/g, ''), offer);
    }
    expect(answers.size).toBeGreaterThan(0);
    const data = repeating();
    for (const [answer, offer] of answers) {
      const client = await RawClient.open(hub.port, { headers: { 'sec-websocket-extensions': offer } });
      const payloads: Buffer[] = [];
      for (let i = 0; i < 2; i++) {
        client.binary(data);
        const frame = await client.nextFrame();
        expect(frame?.rsv).toBe(4);
        payloads.push(frame!.payload);
      }
      const { server_max_window_bits: agreed = 15, server_no_context_takeover: reset } = parse(answer);
      for (const message of await inflateAll(payloads, Number(agreed), reset !== undefined))
        expect(message.equals(data), `${offer}: ${answer}`).toBe(true);
    }
  });

  test.each([
    'foo',
    'x-webkit-deflate-frame',
    'PERMESSAGE-DEFLATE',
    `${PMD}; foo`,
    `${PMD}; server_no_context_takeover=true`,
    `${PMD}; client_no_context_takeover=1`,
    `${PMD}; client_no_context_takeover; client_no_context_takeover`,
    `${PMD}; client_max_window_bits; client_max_window_bits=10`,
    ...['7', '16', '010', '+9', '9.0', '""', 'x'].flatMap((value) => [
      `${PMD}; client_max_window_bits=${value}`,
      `${PMD}; server_max_window_bits=${value}`,
    ]),
    `${PMD}; server_max_window_bits`,
    'foo; bar="a, b; \\"c"; baz=1',
    '',
    ',\t,',
  ])('%j is declined, and the next one taken', (offer) => {
    expect(chooseOffer(offer, compression)).toBe('');
    expect(chooseOffer(`${offer}, ${PMD}`, compression)).toBe(PMD);
    expect(chooseOffer(`${offer}, ${PMD}`, 'off')).toBe('');
  });

  test.each([
    `${PMD}=1`,
    `${PMD};`,
    `${PMD};;client_max_window_bits`,
    `${PMD}; client_max_window_bits=`,
    `${PMD}; client_max_window_bits="10`,
    `${PMD} foo`,
    `${PMD}; foo bar`,
    `; ${PMD}`,
    `"${PMD}"`,
    'é',
  ])('of %s, which is not well-formed, nothing is taken', (header) => {
    expect(chooseOffer(`${header}, ${PMD}`, compression)).toBe('');
    expect(chooseOffer(`foo, ${header}`, compression)).toBe('');
  });

  test('offers come in order of preference, on one line or on several', async () => {
    const { hub } = await startHub({ workers: 0, compression });
    const answer = async (extensions: string) =>
      (await tryHandshake(hub.port, { headers: { 'sec-websocket-extensions': extensions } })).headers[
        'sec-websocket-extensions'
      ];
    const expected = await answer(PMD);
    expect(expected).toMatch(/^permessage-deflate/);
    const lines = '\r\nSec-WebSocket-Extensions: ';
    for (const declined of ['foo', `${PMD}; server_max_window_bits=8`, `${PMD}; foo, ,`])
      for (const between of [', ', ',', lines]) expect(await answer(declined + between + PMD)).toBe(expected);
    const [first, second] = [`${PMD}; server_max_window_bits=10`, `${PMD}; server_max_window_bits="9"`];
    // The shared compressor of engine uws has one window.
    const isDeclined = byEngine({ uws: compression === 'shared', node: false });
    const both = await answer(`${first}, ${second}`);
    if (isDeclined) expect(both).toBeUndefined();
    else expect(parse(both!).server_max_window_bits).toBe('10');
  });

  test('a client of any wishes is understood, compressed or not', async () => {
    const { hub } = await startHub({ workers: 0, compression, compressionMinBytes: 0 });
    const data = repeating();
    const wishes: Exclude<ClientOptions['perMessageDeflate'], boolean>[] = [
      {},
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      ...bits.map((clientMaxWindowBits) => ({ clientMaxWindowBits })),
      ...bits.map((serverMaxWindowBits) => ({ serverMaxWindowBits })),
      { serverMaxWindowBits: 9, clientMaxWindowBits: 9, clientNoContextTakeover: true },
    ];
    for (const wish of wishes) {
      const client = await WsClient.connect(hub.wsUrl, { perMessageDeflate: { threshold: 0, ...wish } });
      for (let i = 0; i < 3; i++) client.send(data);
      for (const { data: echo } of await client.collect(3))
        expect(echo.equals(data), JSON.stringify(wish)).toBe(true);
    }
  });
});

test('a hostile header takes no longer than a plain one of its length', () => {
  const count = 5000;
  const names = Array.from({ length: count }, (_, i) => `p${i}`);
  const millisecondsOf = (header: string) => {
    const start = performance.now();
    chooseOffer(header, 'shared');
    return performance.now() - start;
  };
  const best = (header: string) => Math.min(...Array.from({ length: 3 }, () => millisecondsOf(header)));
  const plainMs = best(names.join(', '));
  for (const hostile of [`${' '.repeat(8 * count)}@`, `x;${names.join(';')}`, `x${'\t'.repeat(8 * count)}=@`])
    expect(best(hostile)).toBeLessThan(20 * plainMs);
});
