/** A handshake on its way to a worker: whatever it holds comes out as it went in, and it is kept compactly. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HandshakeRequest } from '../../src/api/handshake-request.js';
import { decodeHandshake, encodeHandshake } from '../../src/wire/request.js';
import { property } from '../support/property.js';

const text = fc.string({ unit: 'binary' });
const request: fc.Arbitrary<HandshakeRequest> = fc
  .record({
    path: text,
    query: text,
    headers: fc.dictionary(text, text),
    remoteAddress: text,
    subprotocols: fc.array(text),
    subprotocol: fc.option(text, { nil: undefined }),
  })
  .map(({ subprotocol, ...rest }) => ({
    ...rest,
    url: rest.query === '' ? rest.path : `${rest.path}?${rest.query}`,
    ...(subprotocol === undefined ? {} : { subprotocol }),
  }));

const data = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
  withUnicodeString: true,
});

test('comes out as a structured clone of what went in, in characters of one byte', () => {
  property(fc.tuple(request, data), ([asked, said]) => {
    const encoded = encodeHandshake(asked, said, 0);
    expect(encoded).toMatch(/^[\0-\xff]*$/);
    // As it crosses the thread.
    const decoded = decodeHandshake(Buffer.from(encoded, 'utf8').toString('utf8'));
    expect(decoded.request).toEqual(asked);
    expect(decoded.data).toStrictEqual(structuredClone(said));
  });
});

describe('what is kept', () => {
  const usual: HandshakeRequest = {
    url: '/ws',
    path: '/ws',
    query: '',
    headers: { host: 'a.example', upgrade: 'websocket' },
    remoteAddress: '127.0.0.1',
    subprotocols: [],
  };

  test('has little beside the request itself', () => {
    const size = JSON.stringify([usual.path, usual.headers, usual.remoteAddress]).length;
    expect(encodeHandshake(usual, undefined, 0).length).toBeLessThan(size + 12);
    expect(encodeHandshake(usual, { userId: 'ann' }, 0).length).toBeLessThan(size + 32);
  });

  test('has headers as they came, with values that are usual, that are not, and that look like their place', () => {
    const headers = {
      connection: 'keep-alive, Upgrade',
      upgrade: '0',
      'sec-websocket-version': '13',
      accept: '"*/*"',
      'x-own': '13',
      cookie: 'a\\b; ä=☃',
    };
    const asked = { ...usual, headers };
    expect(decodeHandshake(encodeHandshake(asked, undefined, 0)).request).toEqual(asked);
    const browser = { ...usual, headers: { ...headers, upgrade: 'websocket' } };
    expect(encodeHandshake(browser, undefined, 0)).not.toMatch(/websocket|Upgrade/);
  });

  test('is one object where it was one, and holds itself where it did', () => {
    const shared = { n: 1 };
    const loop: Record<string, unknown> = { pair: [shared, shared] };
    loop.self = loop;
    const { data } = decodeHandshake(encodeHandshake(usual, loop, 0)) as { data: typeof loop };
    expect(data.self).toBe(data);
    const [first, second] = data.pair as object[];
    expect(first).toBe(second);
  });

  test('is at most 64 KiB of data', () => {
    expect(() => encodeHandshake(usual, 'x'.repeat(65_534), 0)).not.toThrow();
    expect(() => encodeHandshake(usual, 'x'.repeat(65_535), 0)).toThrow(/65537 bytes .* takes 65536 at most/);
    expect(() => encodeHandshake(usual, '☃'.repeat(11_000), 0)).toThrow(/takes 65536 at most/);
  });
});
