/** A run of the load generator from its options to its result: warm-up, ramp, and being stopped. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { type LoadOptions, type LoadProgress, runLoad } from '../../dist/loadgen/index.js';
import { expectRight, NO_ERRORS } from '../support/protocol/load.js';
import { echo, startEchoServer } from '../support/servers/echo-servers.js';
import { until } from '../support/until.js';

const SHORT = { connections: 1, inFlight: 4, durationMs: 100, warmupMs: 0 } as const;

describe('a run', () => {
  test('drops the figures of its warm-up', async () => {
    const { url, received } = await startEchoServer();
    const result = await runLoad({ url, ...SHORT, warmupMs: 300 });
    expectRight(result);
    expect(result.seconds).toBeGreaterThanOrEqual(0.1);
    expect(result.messages).toBeLessThan(received());
    expect(decodeFromCompressedBase64(result.histogram, 64).totalCount).toBeLessThan(received());
  });

  test('that ends in its warm-up has measured nothing', async () => {
    const { url } = await startEchoServer((socket, data, isBinary, number) => {
      if (number < 100) echo(socket, data, isBinary, number);
      else socket.close(1001);
    });
    const result = await runLoad({ url, ...SHORT, warmupMs: 3_600_000 });
    expect(result).toMatchObject({ messages: 0, seconds: 0, errors: { closed: 1 }, latencyMs: { max: 0 } });
    expect(decodeFromCompressedBase64(result.histogram, 64).totalCount).toBe(0);
  });

  test('can be stopped: what was measured until then is its result, and nothing is lost', async () => {
    const { url } = await startEchoServer((socket, data, isBinary, number) => {
      if (number < 1000) echo(socket, data, isBinary, number);
    });
    const controller = new AbortController();
    const phases = new Set<string>();
    const onProgress = ({ phase, messages, opened, connections, durationMs }: LoadProgress) => {
      phases.add(phase);
      expect(opened).toBeLessThanOrEqual(connections);
      expect(durationMs).toBe(3_600_000);
      if (messages === 1000) controller.abort();
    };
    const options = { url, ...SHORT, warmupMs: 0, durationMs: 3_600_000 };
    const result = await runLoad(options, { onProgress, signal: controller.signal });
    expect(phases).toContain('measure');
    expect(result.errors).toEqual(NO_ERRORS);
    expect(result.messages).toBe(1000);
    expect(result.seconds).toBeLessThan(3600);
  });

  test('that is stopped before it begins has an empty result', async () => {
    const { url, server } = await startEchoServer();
    const result = await runLoad({ url }, { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ messages: 0, seconds: 0, messagesPerSecond: 0, errors: NO_ERRORS });
    await until('its connections to be gone', () => server.clients.size === 0);
  });

  test('opens its connections spread over the ramp', async () => {
    let lastAt = 0;
    const { url } = await startEchoServer(echo, { onOpen: () => void (lastAt = performance.now()) });
    const beganAt = performance.now();
    expectRight(await runLoad({ url, ...SHORT, connections: 5, rampMs: 400 }));
    // The last of five is opened when four fifths are over.
    expect(lastAt - beganAt).toBeGreaterThanOrEqual(320);
  });

  test.each<[Partial<Record<keyof LoadOptions | 'sise', unknown>>, string]>([
    [{ url: undefined }, 'option "url" is missing: it takes a ws:// or wss:// URL'],
    [{ url: 'http://localhost/' }, 'option "url" got "http://localhost/" but takes a ws:// or wss:// URL'],
    [{ url: 'ws://user:pass@localhost/' }, 'option "url" got'],
    [
      { size: 11 },
      'option "size" got 11 but takes an integer from 12 to 67108864 (bytes; a message starts with',
    ],
    [{ connections: 0 }, 'option "connections" got 0 but takes an integer from 1'],
    [{ inFlight: 1.5 }, 'option "inFlight" got 1.5 but takes'],
    [
      { durationMs: 0, threads: '2' },
      'option "durationMs" got 0 but takes an integer from 1 to 86400000 (ms); option "threads" got "2"',
    ],
    [{ rate: 0 }, 'option "rate" got 0 but takes a number above 0'],
    [{ binary: 1 }, 'option "binary" got 1 but takes true or false'],
    [{ headers: { Upgrade: 'x' } }, 'option "headers" got {"Upgrade":"x"} but takes'],
    [{ headers: { a: 'x\r\ny: z' } }, 'option "headers" got'],
    [{ headers: { a: ['x', 'y\n'] } }, 'option "headers" got'],
    [{ headers: { a: ['x', 1] } }, 'option "headers" got'],
    [{ subprotocol: 'a b' }, 'option "subprotocol" got "a b"'],
    [{ origin: 'x' }, 'option "origin" got "x"'],
    [{ origin: 'https://a.example/b' }, 'option "origin" got'],
    [{ sise: 64 }, 'unknown option "sise"'],
    [
      { connections: 100_000, inFlight: 1000 },
      'option "inFlight" got 1000 but takes at most 500 with 100000 connections',
    ],
  ])('refuses %j', async (options, message) => {
    const running = runLoad({ url: 'ws://127.0.0.1:1/', ...options } as LoadOptions);
    await expect(running).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining(message),
    });
  });
});
