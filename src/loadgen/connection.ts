/** One connection of a run: its socket from the handshake to the end. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FrameBatch } from './batch.js';
import { type ControlFrames, Echoes, type EchoShape } from './echoes.js';
import type { ErrorKind, Findings } from './findings.js';
import { clientFrame, FrameFault, Opcode, viewOf } from './frames.js';
import { Handshake, HandshakeFault } from './handshake.js';
import type { ResolvedLoadOptions } from './options.js';
import type { LatencyRecorder } from './recorder.js';
import type { SendTimes } from './times.js';

const HANDSHAKE_TIMEOUT_MS = 30_000;
const NORMAL_CLOSURE = 1000;

/** What the connections of a thread share. */
export interface Shared {
  readonly options: ResolvedLoadOptions;
  readonly shape: EchoShape;
  readonly batch: FrameBatch;
  readonly recorder: LatencyRecorder;
  readonly findings: Findings;
  /** Chunks are read into it, and are done with before the next read of any socket. */
  readonly readBuffer: Buffer;
  readonly readView: DataView;
  /** `count` messages were answered. */
  onAnswered(connection: Connection, count: number, now: number): void;
  /** A connection ended that should not have; it is noted in the findings. */
  onBroken(): void;
}

type State = 'connecting' | 'open' | 'closing' | 'closed';

export class Connection implements ControlFrames {
  readonly echoes: Echoes;
  readonly id: number;
  readonly #shared: Shared;
  readonly #handshake: Handshake;
  readonly #times: { current: SendTimes };
  #state: State = 'connecting';
  #socket!: Socket;
  /** Of the handshake. */
  #deadline: NodeJS.Timeout | undefined;
  #settle: (() => void) | undefined;
  #onEnded: (() => void) | undefined;

  constructor(id: number, times: SendTimes, shared: Shared) {
    this.id = id;
    this.#shared = shared;
    this.#times = { current: times };
    this.#handshake = new Handshake(shared.options);
    this.echoes = new Echoes(id, shared.shape, times, shared.recorder, shared.findings, this);
  }

  set times(times: SendTimes) {
    this.#times.current = times;
    this.echoes.times = times;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Resolves when it is open, or has failed, which is then in the findings. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket = this.#connect();
      this.#socket.setNoDelay(true);
      this.#deadline = setTimeout(() => this.#break('the handshake took too long'), HANDSHAKE_TIMEOUT_MS);
      this.#socket.on('error', (error) => this.#break(describeError(error)));
      this.#socket.on('end', () => this.#break('the server ended the connection without a close frame'));
      this.#socket.on('close', () => this.#onClosed());
      this.#socket.write(this.#handshake.request, 'latin1');
    });
  }

  #connect(): Socket {
    const { url, insecure } = this.#shared.options;
    const target = new URL(url);
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const isSecure = target.protocol === 'wss:';
    const port = target.port === '' ? (isSecure ? 443 : 80) : Number(target.port);
    if (isSecure) {
      const servername = isIP(host) ? '' : host;
      const socket = connectTls({ host, port, servername, rejectUnauthorized: !insecure });
      return socket.on('data', (chunk) => this.#onChunk(chunk, viewOf(chunk), chunk.length));
    }
    const { readBuffer, readView } = this.#shared;
    const callback = (length: number) => {
      this.#onChunk(readBuffer, readView, length);
      return true;
    };
    return connectTcp({ host, port, onread: { buffer: readBuffer, callback } });
  }

  /** Sends `count` messages now. */
  // hot: once per write
  send(count: number, now: number): void {
    const { echoes } = this;
    const first = echoes.sent;
    echoes.sent += count;
    this.#times.current.mark(first, count, now);
    this.#shared.batch.send(this.#socket, this.id, first, count);
  }

  // hot: once per chunk
  #onChunk(bytes: Buffer, view: DataView, length: number): void {
    try {
      if (this.#state === 'open') this.#onFrames(bytes, view, length);
      else if (this.#state === 'connecting') this.#onResponse(bytes.subarray(0, length));
    } catch (error) {
      if (!(error instanceof FrameFault) && !(error instanceof HandshakeFault)) throw error;
      this.#break(error.message, error instanceof FrameFault ? 'unexpected' : undefined);
    }
  }

  #onFrames(bytes: Buffer, view: DataView, length: number): void {
    const now = performance.now();
    const answered = this.echoes.read(bytes, view, length, now);
    if (answered > 0) this.#shared.onAnswered(this, answered, now);
  }

  #onResponse(chunk: Buffer): void {
    const rest = this.#handshake.receive(chunk);
    if (rest === undefined) return;
    this.#state = 'open';
    clearTimeout(this.#deadline);
    this.#settle?.();
    if (rest.length > 0) this.#onFrames(rest, viewOf(rest), rest.length);
  }

  onPing(payload: Buffer): void {
    this.#socket.write(clientFrame(Opcode.pong, payload));
  }

  onClose(payload: Buffer): void {
    const code = payload.length < 2 ? 'no code' : `code ${payload.readUInt16BE(0)}`;
    const reason = payload.length > 2 ? ` ${JSON.stringify(payload.toString('utf8', 2))}` : '';
    this.#break(`the server closed the connection with ${code}${reason}`);
  }

  /** Closes it with 1000 (RFC 6455 §7.1.2); resolves when the socket has ended. */
  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#socket.write(
        clientFrame(Opcode.close, Uint8Array.of(NORMAL_CLOSURE >> 8, NORMAL_CLOSURE & 0xff)),
      );
      this.#socket.end();
    } else this.destroy();
    return ended;
  }

  destroy(): void {
    this.#state = 'closed';
    clearTimeout(this.#deadline);
    this.#socket.destroy();
  }

  /** The connection ended, or has to: noted unless it was asked to. */
  #break(text: string, kind?: ErrorKind): void {
    const state = this.#state;
    if (state === 'closing' || state === 'closed') return;
    this.destroy();
    const noted = kind ?? (state === 'connecting' ? 'connectFailed' : 'closed');
    this.#shared.findings.note(noted, () => `connection ${this.id}: ${text}`);
    this.#settle?.();
    this.#shared.onBroken();
  }

  #onClosed(): void {
    this.#break('the connection was cut');
    this.#onEnded?.();
  }
}

/** A failed connection to a name with several addresses is one error without a text of its own. */
function describeError(error: Error & { code?: string; errors?: Error[] }): string {
  return (
    error.errors?.map(({ message }) => message).join(', ') || error.message || (error.code ?? error.name)
  );
}
