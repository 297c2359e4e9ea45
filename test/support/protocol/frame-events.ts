/** What a reader of frames makes of pieces of a stream, as lines that can be compared: the codec's, and that of ws. */
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { FrameReader, type FrameSink, type Inflater } from '../../../src/hub/engine/node/frame-reader.js';
import { readMemory } from '../../../src/hub/engine/node/read-memory.js';
import { describeFrame } from './conversation.js';
import { Opcode } from './frames.js';

const line = (opcode: number, payload: Uint8Array): string =>
  describeFrame({ fin: true, rsv: 0, masked: false, opcode, payload: Buffer.from(payload) });

/** Writes down what a reader says. Payloads are unmasked as the contract says, byte by byte. */
export class Recorder implements FrameSink {
  readonly lines: string[] = [];

  onMessage(source: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void {
    const payload = source.slice(start, end).map((byte, i) => byte ^ ((mask >>> (8 * (i & 3))) & 255));
    this.lines.push(line(isBinary ? Opcode.Binary : Opcode.Text, payload));
  }

  onFragment(): void {}

  onPing(payload: Uint8Array): void {
    this.lines.push(line(Opcode.Ping, payload));
  }

  onPong(payload: Uint8Array): void {
    this.lines.push(line(Opcode.Pong, payload));
  }

  onClose(code: number, reason: string): void {
    this.lines.push(`close ${code} ${reason}`);
  }

  onFault(code: number): void {
    this.lines.push(`fault ${code}`);
  }
}

/** The codec's, of pieces that are its own to write to. */
export function readPieces(pieces: readonly Uint8Array[], maxPayload: number, inflater?: Inflater): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, maxPayload, inflater);
  for (const [i, piece] of pieces.entries()) {
    // In turns in the memory of sockets, and in that of others; both are used again.
    const own = i % 2 === 0 && piece.length <= readMemory.length ? readMemory : Buffer.alloc(piece.length);
    own.set(piece);
    reader.read(own, piece.length);
    own.fill(0xdd, 0, piece.length);
  }
  return recorder.lines;
}

// By its path: Bun has a package `ws` of its own, without one.
const Receiver: new (options: object) => Writable = createRequire(import.meta.url)(
  '../../../node_modules/ws/lib/receiver.js',
);

/** Those of ws. */
export function readByWs(bytes: Uint8Array, maxPayload: number): string[] {
  const lines: string[] = [];
  const receiver = new Receiver({ isServer: true, maxPayload });
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    lines.push(line(isBinary ? Opcode.Binary : Opcode.Text, data)),
  );
  receiver.on('ping', (data: Buffer) => lines.push(line(Opcode.Ping, data)));
  receiver.on('pong', (data: Buffer) => lines.push(line(Opcode.Pong, data)));
  receiver.on('conclude', (code: number, reason: Buffer) => lines.push(`close ${code} ${reason}`));
  // Its stream would tell of an error in a later turn.
  receiver._write(Buffer.from(bytes), 'latin1', (error) => {
    const symbol = Object.getOwnPropertySymbols(error ?? {}).find(
      ({ description }) => description === 'status-code',
    );
    if (error && symbol) lines.push(`fault ${(error as unknown as Record<symbol, number>)[symbol]}`);
  });
  return lines;
}
