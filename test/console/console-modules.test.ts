/** Modules of the console page that need no browser: where JSON breaks, latencies in buckets, and when to try again. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { property } from '../support/property.js';

// The page has no types.
const load = (name: string) => import(new URL(`../../public/${name}`, import.meta.url).href);
const { findJsonError } = await load('json-error.js');
const { Histogram } = await load('histogram.js');
const { Backoff, isTemporary } = await load('reconnect.js');

describe('where a text stops being JSON', () => {
  test.each([
    ['', 0, 'a value'],
    ['  ', 2, 'a value'],
    ['nope', 0, 'a value'],
    ['{', 1, 'a name in double quotes'],
    ['{a: 1}', 1, 'a name in double quotes'],
    ["{'a': 1}", 1, 'a name in double quotes'],
    ['{"a" 1}', 5, '“:”'],
    ['{"a": }', 6, 'a value'],
    ['{"a": 1 "b"}', 8, '“,” or “}”'],
    ['{"a": 1,}', 8, 'a name in double quotes'],
    ['[1, 2', 5, '“,” or “]”'],
    ['[1, ]', 4, 'a value'],
    ['[1 2]', 3, '“,” or “]”'],
    ['"open', 5, 'the end of the string, “"”'],
    ['"a\nb"', 2, 'the end of the string, “"”'],
    ['"a\\x"', 2, 'a valid escape'],
    ['01', 1, 'the end'],
    ['1.', 1, 'the end'],
    ['[-]', 1, 'a value'],
    ['{} {}', 3, 'the end'],
    ['truest', 4, 'the end'],
  ])('%j: at %i, where it expects %s', (text, position, expected) => {
    expect(findJsonError(text)).toMatchObject({ position, expected });
  });

  test('is told by line and column too', () => {
    expect(findJsonError('{\n  "a": 1,\n  b: 2\n}')).toMatchObject({ line: 3, column: 3, position: 14 });
  });

  test('is nowhere in JSON', () => {
    property(fc.tuple(fc.json(), fc.integer({ min: 0, max: 4 })), ([json, indent]) => {
      expect(findJsonError(JSON.stringify(JSON.parse(json), null, indent))).toBeUndefined();
      expect(findJsonError(json)).toBeUndefined();
    });
  });

  test('is found exactly where JSON.parse refuses a text', () => {
    const characters = fc.string({ unit: fc.constantFrom(...'{}[]",:0123.eE+-\\ntruefals \n') });
    const texts = fc.tuple(fc.oneof(characters, fc.json()), fc.nat(), characters);
    property(
      texts,
      ([text, at, inserted]) => {
        const cut = at % (text.length + 1);
        const broken = text.slice(0, cut) + inserted + text.slice(cut);
        const error = findJsonError(broken);
        const complaint = complaintOf(broken);
        expect(error === undefined).toBe(complaint === undefined);
        if (error === undefined) return;
        expect(error.position).toBeLessThanOrEqual(broken.length);
        // V8 names a place too. It judges a number or a word as it reads, so it may be some characters further on.
        const [, place] = /at position (\d+)/.exec(complaint!) ?? [];
        if (place !== undefined) expect(error.position).toBeLessThanOrEqual(Number(place));
      },
      1000,
    );
  });

  test('does not end the page when it is nested deeper than the stack', () => {
    expect(findJsonError('['.repeat(1_000_000))).toMatchObject({ line: 1, column: 1 });
  });
});

/** What JSON.parse says of a text that is not JSON. */
function complaintOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the histogram', () => {
  test('has every percentile within 2 % of the nearest rank', () => {
    const latency = fc.double({ min: 0.001, max: 100_000, noNaN: true });
    const share = fc.double({ min: 0.001, max: 1, noNaN: true });
    property(fc.tuple(fc.array(latency, { minLength: 1 }), share), ([values, part]) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(values.length * part)) - 1]!;
      expect(histogram.percentile(part) / exact).toBeGreaterThan(0.98);
      expect(histogram.percentile(part) / exact).toBeLessThan(1.02);
      expect(histogram.max).toBe(sorted.at(-1));
    });
  });

  test('has none while it is empty, and takes what a clock of low resolution gives', () => {
    const histogram = new Histogram();
    expect(histogram.percentile(0.5)).toBeUndefined();
    histogram.add(0);
    expect(histogram.percentile(0.5)).toBe(0);
    histogram.clear();
    expect(histogram.percentile(0.5)).toBeUndefined();
  });
});

describe('trying again', () => {
  test('takes twice as long each time, to a bound, and is spread by half', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const backoff = new Backoff();
    const delays = Array.from({ length: 12 }, () => backoff.schedule(() => {}));
    for (const [i, delay] of delays.entries()) {
      const longest = Math.min(30_000, 500 * 2 ** i);
      expect(delay).toBeGreaterThanOrEqual(longest / 2);
      expect(delay).toBeLessThanOrEqual(longest);
    }
    expect(vi.getTimerCount()).toBe(1);
    backoff.reset();
    expect(vi.getTimerCount()).toBe(0);
    expect(backoff.tries).toBe(0);
  });

  test('is for what can be expected to work again', () => {
    expect([1001, 1006, 1011, 1012, 1013].every(isTemporary)).toBe(true);
    expect([1000, 1002, 1007, 1008, 1009, 3000, 4000].some(isTemporary)).toBe(false);
  });
});
