/** The load generator at a fixed rate: when messages are sent, and what their latency counts from. */
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { type LoadResult, runLoad } from '../../dist/loadgen/index.js';
import { expectRight } from '../support/protocol/load.js';
import { echo, startEchoServer } from '../support/servers/echo-servers.js';

describe('the open loop', () => {
  const PAUSE_MS = 300;
  const pause = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

  /** The latency of the nth slowest message, in ms. */
  function slowest({ histogram }: LoadResult, n: number): number {
    const all = decodeFromCompressedBase64(histogram, 64);
    return all.getValueAtPercentile(100 * (1 - (n - 1) / all.totalCount)) / 1000;
  }

  test('latency counts from the time at which a message was due: a pause delays all messages in it', async () => {
    let hasPaused = false;
    const { url, received } = await startEchoServer((socket, data, isBinary, number) => {
      if (received() === 20 && !hasPaused) pause();
      hasPaused ||= received() === 20;
      echo(socket, data, isBinary, number);
    });
    const result = await runLoad({ url, connections: 4, rate: 100, durationMs: 1000, warmupMs: 0 });
    expectRight(result);
    expect(result.rate).toBe(100);
    // One in ten ms was due in the pause: in a closed loop it would delay at most four.
    expect(slowest(result, 1)).toBeGreaterThanOrEqual(PAUSE_MS - 20);
    expect(slowest(result, 14)).toBeGreaterThanOrEqual(PAUSE_MS / 2);
    expect(slowest(result, 28)).toBeGreaterThanOrEqual(5);
  });

  test('messages are sent at the rate, not before they are due', async () => {
    const { url, received } = await startEchoServer();
    const beganAt = performance.now();
    const options = { connections: 3, threads: 2, rate: 1000, durationMs: 400, warmupMs: 100 };
    const result = await runLoad({ url, ...options });
    const seconds = (performance.now() - beganAt) / 1000;
    expectRight(result);
    expect(result.messages).toBeLessThanOrEqual(received());
    // What is due by the end is sent by the end, however slow the machine is.
    expect(received()).toBeGreaterThanOrEqual(499);
    expect(received()).toBeLessThanOrEqual(1000 * seconds);
  });

  test('a server that is too slow for the rate does not slow down the load', async () => {
    const { url } = await startEchoServer((socket, data, isBinary, number) => {
      if (number === 0) pause();
      echo(socket, data, isBinary, number);
    });
    const result = await runLoad({ url, connections: 1, rate: 1000, durationMs: 400, warmupMs: 0 });
    expectRight(result);
    expect(decodeFromCompressedBase64(result.histogram, 64).totalCount).toBeGreaterThanOrEqual(399);
    expect(slowest(result, 240)).toBeGreaterThanOrEqual(50);
  });
});
