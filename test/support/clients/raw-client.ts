/**
 * A WebSocket client over a bare socket, for what a well-behaved client never does: arbitrary handshakes and
 * frames, bytes one at a time, silence, vanishing. It answers nothing by itself, not even a ping.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { acceptFor } from '../protocol/accept.js';
import type { ByteReader } from '../protocol/byte-reader.js';
import {
  closePayload,
  encodeFrame,
  type Frame,
  type FrameInput,
  Opcode,
  readFrame,
} from '../protocol/frames.js';
import { turn } from '../until.js';
import { dial, type RawResponse, readResponse } from './raw-http.js';

export interface HandshakeInput {
  readonly path?: string;
  readonly method?: string;
  /** Added to the usual headers, by name in lower case; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** The bytes of a handshake. */
export function handshakeRequest(
  port: number,
  { path = '/ws', method = 'GET', headers }: HandshakeInput = {},
) {
  const all: Record<string, string | undefined> = {
    host: `127.0.0.1:${port}`,
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-version': '13',
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** Does a handshake that is to be refused, and returns the answer. */
export async function tryHandshake(port: number, input?: HandshakeInput): Promise<RawResponse> {
  const { socket, reader } = await dial(port);
  socket.write(handshakeRequest(port, input));
  const response = await readResponse(reader, input?.method !== 'HEAD');
  socket.destroy();
  return response;
}

export class RawClient {
  readonly socket: Socket;
  readonly #reader: ByteReader;
  /** Settles when the connection is over, however it ended. */
  readonly ended: Promise<void>;

  private constructor(socket: Socket, reader: ByteReader) {
    this.socket = socket;
    this.#reader = reader;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** A TCP connection on which nothing was said yet. */
  static async dial(port: number): Promise<RawClient> {
    const { socket, reader } = await dial(port);
    return new RawClient(socket, reader);
  }

  /** A WebSocket connection; rejects when the handshake is refused. */
  static async open(port: number, input?: HandshakeInput): Promise<RawClient> {
    const client = await RawClient.dial(port);
    const request = handshakeRequest(port, input);
    client.write(request);
    const response = await readResponse(client.#reader);
    if (response.status !== 101) throw new Error(`handshake refused: ${response.status} ${response.body}`);
    if (response.headers['sec-websocket-accept'] !== acceptFor(request))
      throw new Error('wrong Sec-WebSocket-Accept');
    return client;
  }

  /** Writes bytes; false when the socket's own buffer is full. */
  write(bytes: string | Uint8Array): boolean {
    return this.socket.write(bytes);
  }

  /** Writes one byte per turn of the event loop, so that each is a segment of its own. */
  async writeByteByByte(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.socket.write(Uint8Array.of(byte));
      await turn();
    }
  }

  /** Settles when the kernel has taken everything that was written, or the connection is over. */
  async flushed(): Promise<void> {
    if (!this.socket.writableNeedDrain) return;
    // A reset is an end like any other here, however it shows.
    const drained = once(this.socket, 'drain').catch(() => undefined);
    await Promise.race([drained, this.ended]);
  }

  frame(input: FrameInput): boolean {
    return this.write(encodeFrame(input));
  }

  text(payload: string): boolean {
    return this.frame({ opcode: Opcode.Text, payload });
  }

  binary(payload: Uint8Array): boolean {
    return this.frame({ opcode: Opcode.Binary, payload });
  }

  close(code: number, reason = ''): boolean {
    return this.frame({ opcode: Opcode.Close, payload: closePayload(code, reason) });
  }

  /** The next frame of any kind, or `undefined` once the connection is over. */
  nextFrame(): Promise<Frame | undefined> {
    return readFrame((count) => this.#reader.take(count));
  }

  /** Every data frame up to the close, and the close code: 1006 when there was no close frame. */
  async readToEnd(): Promise<{ frames: Frame[]; code: number; reason: string }> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.nextFrame();
      if (frame === undefined) return { frames, code: 1006, reason: '' };
      if (frame.opcode === Opcode.Close) return { frames, ...closeOf(frame) };
      if (frame.opcode < Opcode.Close) frames.push(frame);
    }
  }

  /** Stops reading: once the kernel's buffers are full, the peer feels it. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Gone without a close frame. */
  destroy(): void {
    this.socket.destroy();
  }
}

function closeOf({ payload }: Frame): { code: number; reason: string } {
  if (payload.length < 2) return { code: 1005, reason: '' };
  return { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() };
}
