/** No large copy on the way of an echo is one of those that take 13 times as long: see wire/copy.ts. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { NodeSocket, type SocketGroup } from '../../../../src/hub/engine/node/node-socket.js';
import { readMemory } from '../../../../src/hub/engine/node/read-memory.js';
import { Arena } from '../../../../src/wire/arena.js';
import { copyBytes, PAGE_BYTES } from '../../../../src/wire/copy.js';
import { encodeFrame, Opcode } from '../../../support/protocol/frames.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Where blocks begin in their pages: what malloc keeps of a large one lies in front. */
const pageOf = ({ buffer }: Uint8Array) => (buffer === readMemory.buffer ? 0 : 16);
const addressOf = (bytes: Uint8Array, at: number) => pageOf(bytes) + bytes.byteOffset + at;

test.each([
  [16_384, 4],
  [65_536, 3],
  [300_000, 2],
  [524_288, 1],
  [1_000_000, 1],
])('messages of %i bytes, %i in flight on each of four connections', (size, inFlight) => {
  const stream = { write: () => true, writableLength: 0, destroyed: false };
  const group = { maxPayload: 2 ** 24, compressionMinBytes: Number.POSITIVE_INFINITY };
  const arena = new Arena(new SharedArrayBuffer(2 ** 24));
  const copies = [vi.spyOn(Buffer.prototype, 'fill'), vi.spyOn(Uint8Array.prototype, 'set')] as const;
  const frame = encodeFrame({ opcode: Opcode.Binary, payload: Buffer.alloc(size) });
  const sent = Buffer.concat(Array.from({ length: inFlight }, () => frame));
  const echoes = [1, 2, 3, 4].map(() => {
    const port = new NodeSocket(
      Object.assign(new EventEmitter(), stream) as unknown as Socket,
      group as SocketGroup,
      undefined,
    );
    const messages: Uint8Array[] = [];
    const onMessage = (source: Uint8Array, start: number, end: number) => {
      const place = arena.take(end - start)!;
      copyBytes(arena.bytes, place, source.subarray(start, end));
      messages.push(arena.view(place, end - start));
    };
    port.start({ onMessage } as never, Buffer.alloc(0));
    for (let at = 0; at < sent.length; at += readMemory.length) {
      const length = sent.copy(readMemory, 0, at);
      port.onRead(readMemory, length);
    }
    return { port, messages };
  });
  for (const { port, messages } of echoes)
    port.cork(() => {
      for (const message of messages) port.send(message, true);
    });
  const ahead = copies.flatMap(({ mock }) =>
    mock.calls.flatMap(([source, at = 0], i) => {
      if (!(source instanceof Uint8Array) || source.length < 2112) return [];
      const distance = addressOf(mock.contexts[i] as Buffer, at as number) - addressOf(source, 0);
      return [((distance % PAGE_BYTES) + PAGE_BYTES) % PAGE_BYTES];
    }),
  );
  expect(ahead.length).toBeGreaterThanOrEqual(2 * 4 * inFlight);
  expect(ahead.filter((distance) => distance > 0 && distance < 16)).toEqual([]);
});
