/** The flags of `shardhub client` and `shardhub bench`: one shape, and one meaning of what both take. */
import { describe, expect, test } from 'vitest';
import { BENCH_FLAGS, toLoadOptions } from '../../src/cli/bench/flags.js';
import { CLIENT_FLAGS } from '../../src/cli/client/flags.js';
import { nameOf, readToolFlags, type ToolFlags } from '../../src/cli/flags/tool-flags.js';
import {
  duration,
  mergeHeaders,
  parseDuration,
  parseHeader,
  WEBSOCKET_URL,
} from '../../src/cli/flags/values.js';
import { LOAD_OPTIONS, resolveLoadOptions } from '../../src/loadgen/options.js';

const ADDRESS = new URL('ws://127.0.0.1:1/');

test.each([
  ['500ms', 500],
  ['1s', 1000],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['0ms', 0],
  ['10', 10_000],
  ['0.25', 250],
  ['0', 0],
  // Whole milliseconds, whatever 1.005 is in binary.
  ['1.005s', 1005],
  ['1.5ms', 2],
  ['24h', 86_400_000],
  ['86401', undefined],
  ['', undefined],
  ['.5s', undefined],
  ['1e3', undefined],
  ['1S', undefined],
  ['s', undefined],
  ['1 s', undefined],
  ['-1s', undefined],
  ['1d', undefined],
  ['1s2', undefined],
])('the duration %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['A: b', { name: 'A', value: 'b' }],
  ['A:b:c ', { name: 'A', value: 'b:c' }],
  ['A:', { name: 'A', value: '' }],
  [': b', undefined],
  ['A b: c', undefined],
  ['A: €', undefined],
  ['Upgrade: h2c', undefined],
  ['Origin: https://a.example', undefined],
])('the header %s', (text, header) => {
  expect(parseHeader(text)).toEqual(header);
});

test('a range of durations counts in whole milliseconds', () => {
  const texts = ['0', '0.4ms', '0.5ms', '86400', '25h'];
  expect(texts.map(duration(0).parse)).toEqual([0, 0, 1, 86_400_000, undefined]);
  expect(texts.map(duration(1).parse)).toEqual([undefined, undefined, 1, 86_400_000, undefined]);
});

test('a header that is repeated keeps its values, in their order', () => {
  const headers = ['X-Many: b', 'X-One: 1', 'x-many: a', 'X-MANY:'].map((text) => parseHeader(text)!);
  expect(mergeHeaders(headers)).toEqual({ 'x-many': ['b', 'a', ''], 'x-one': '1' });
});

describe.each<[string, ToolFlags]>([
  ['client', CLIENT_FLAGS],
  ['bench', BENCH_FLAGS],
])('the flags of %s', (_, flags) => {
  test('are found by the names that the command line gives them', () => {
    const names = Object.values(flags).map(({ usage }) => nameOf(usage));
    const camelCase = (name: string) =>
      name.slice(2).replaceAll(/-[a-z]/g, ([, letter]) => letter!.toUpperCase());
    expect(Object.keys(flags)).toEqual(names.map(camelCase));
  });

  test('take the default that they tell', () => {
    const valued = Object.values(flags).filter(
      ({ kind, fallbackText }) => kind !== undefined && fallbackText !== 'none',
    );
    for (const { usage, kind, fallbackText } of valued)
      expect(kind?.parse(fallbackText), usage).not.toBeUndefined();
    expect(valued.length).toBeGreaterThan(1);
  });
});

describe('bench', () => {
  const toOptions = (given: Record<string, unknown>) =>
    toLoadOptions(ADDRESS, readToolFlags(BENCH_FLAGS, given).options);

  test('has a flag for every option of a load run, each with its default', () => {
    expect(Object.keys(toOptions({})).sort()).toEqual(Object.keys(LOAD_OPTIONS).sort());
    const fallbacks = Object.entries(BENCH_FLAGS).filter(
      ([, { kind, fallbackText }]) => kind && fallbackText !== 'none',
    );
    const told = toOptions(Object.fromEntries(fallbacks.map(([name, flag]) => [name, flag.fallbackText])));
    expect(resolveLoadOptions(told)).toEqual(resolveLoadOptions({ url: ADDRESS.href }));
    expect(resolveLoadOptions(toOptions({}))).toMatchObject(resolveLoadOptions({ url: ADDRESS.href }));
  });

  test('takes what a load run takes', () => {
    const given = { duration: '1m', ramp: '250ms', warmup: '2', header: ['A: 1', 'a: 2'], origin: 'null' };
    expect(resolveLoadOptions(toOptions({ ...given, text: true }))).toMatchObject({
      durationMs: 60_000,
      rampMs: 250,
      warmupMs: 2000,
      headers: { a: ['1', '2'] },
      origin: 'null',
      binary: false,
    });
  });
});

test.each([
  ['localhost:9130', 'ws://localhost:9130/'],
  ['localhost', 'ws://localhost/'],
  ['localhost/ws?a=b', 'ws://localhost/ws?a=b'],
  ['127.0.0.1:8080/ws', 'ws://127.0.0.1:8080/ws'],
  ['[::1]:8080/ws', 'ws://[::1]:8080/ws'],
  ['example.com/live', 'ws://example.com/live'],
  ['myhost:80', 'ws://myhost/'],
  ['https://example.com', 'wss://example.com/'],
  ['http://example.com', 'ws://example.com/'],
  ['httpd:8080', 'ws://httpd:8080/'],
  ['ws', undefined],
  ['/ws', undefined],
  ['ftp://example.com', undefined],
  ['mailto:ann@example.com', undefined],
  ['localhost:99999', undefined],
  ['localhost:80#a', undefined],
  [':8080/ws', undefined],
])('the address %s', (text, href) => {
  expect(WEBSOCKET_URL.parse(text)?.href).toBe(href);
});
