/** How long a socket may be read in one turn: what is counted, and what never is. */
import { expect, test, vi } from 'vitest';
import { ReadMeter } from '../../../src/hub/connection/read-meter.js';

/** A meter whose clock goes by so much with each frame. */
function setUp(frameMs: number) {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const turns = { count: 0, schedule() {} };
  const meter = new ReadMeter(turns);
  /** How many frames of a socket are let in, of so many. */
  const read = (socket: object, frames: number, bytes = 0, isControl = false): number => {
    for (let i = 0; i < frames; i++) {
      now += frameMs;
      if (meter.isOver(socket, bytes, isControl)) return i;
    }
    return frames;
  };
  return { turns, read };
}

test('a socket is read for 50 ms, and again in the next turn', () => {
  const { turns, read } = setUp(0.001);
  const socket = {};
  for (; turns.count < 3; turns.count++) {
    const frames = read(socket, 1e6);
    expect(frames).toBeGreaterThan(50_000);
    expect(frames).toBeLessThan(51_000);
  }
});

test('many sockets are read for 50 ms together, then each that takes long for 10 ms', () => {
  const { read } = setUp(0.001);
  for (let i = 0; i < 2; i++) expect(read({}, 24_000)).toBe(24_000);
  for (let i = 0; i < 100; i++) {
    const frames = read({}, 30_000);
    expect(frames).toBeGreaterThan(10_000);
    expect(frames).toBeLessThan(11_000);
  }
  for (let i = 0; i < 1000; i++) expect(read({}, 64, 16_384)).toBe(64);
});

test('what the bounds let be in flight is never too long, however slow the machine, and whoever else is read', () => {
  const { turns, read } = setUp(1000);
  expect(read({}, 1000, (16 * 1024 * 1024) / 1000)).toBe(1000);
  turns.count++;
  for (let i = 0; i < 100; i++) expect(read({}, 64, 16_384)).toBe(64);
});

test('a socket may send 1000 control frames in a turn, in no time', () => {
  const { turns, read } = setUp(0);
  for (; turns.count < 2; turns.count++)
    for (const socket of [{}, {}]) expect(read(socket, 5000, 1, true)).toBe(1000);
});
