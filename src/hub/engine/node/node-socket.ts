/**
 * A WebSocket over a socket of Node.js as the hub's port. What is sent in a cork, and what answers the pings of one read,
 * leaves in one write. I/O thread.
 */
import type { Socket } from 'node:net';
import { copyBytes, FAR_COPY_BYTES, farFrom } from '../../../wire/copy.js';
import { SendVerdict, type SocketListener, type SocketPort } from '../../connection/socket-port.js';
import type { Deflate } from './deflate.js';
import { type FaultCode, FrameReader, type FrameSink } from './frame-reader.js';
import { FIN, headerBytes, makeClosePayload, NO_CODE, Opcode, RSV1, writeHeader } from './frames.js';
import { giveMemory, takeMemory } from './memory.js';
import { listen, type StreamOwner } from './read-stream.js';

/** What sockets need of those around them: one object for all of a server. */
export interface SocketGroup {
  readonly maxPayload: number;
  /** Bytes of the smallest message that is compressed, where that is agreed on. */
  readonly compressionMinBytes: number;
  readonly sendPings: boolean;
  /** In steps (see `step`); 0 is never. */
  readonly pingSteps: number;
  readonly idleSteps: number;
  readonly lifeSteps: number;
  readonly lingerSteps: number;
  /** The engine itself ends a WebSocket, for this reason. */
  onEngineClose(text: string): void;
  onError(error: unknown, where: string): void;
  /** It has been closed, and its socket is gone. */
  forget(socket: NodeSocket): void;
}

/** In front of a reason: what the hub's counters tell it by, if it does not say so itself. */
const FAULTS = { 1002: 'invalid frame: ', 1007: '', 1009: 'too big message: ' } as const;
/** Frames beyond do not wait in a cork for others. */
const MAX_BATCH_BYTES = 256 * 1024;
/**
 * After so many, others have their turn: some 5 ms. A peer on the same machine sends millions of empty ones in a second, and its
 * socket is read for as long as there is more: the thread stood still for 0.6 s at a time.
 */
const FRAGMENTS_IN_A_ROW = 4096;
/** What may still come behind the end, for a message that was on its way: more than both kernels hold. */
const MAX_LATE_BYTES = 16 * 1024 * 1024;

export class NodeSocket implements SocketPort, FrameSink, StreamOwner {
  readonly #stream: Socket;
  readonly #group: SocketGroup;
  readonly #reader: FrameReader;
  readonly #deflate: Deflate | undefined;
  #listener: SocketListener | undefined = undefined;
  /** Frames that are to leave in one write: from where to where they lie in it. */
  #batch: Buffer | undefined = undefined;
  #start = 0;
  #end = 0;
  /** Made with the first write: who is sent nothing has none. */
  #onWritten: (() => void) | undefined = undefined;
  /** Memory of the write that the kernel did not take at once. */
  #lent: Buffer | undefined = undefined;
  #isBehind = false;
  /** In a cork, or in a read. */
  #isGathering = false;
  #isPaused = false;
  /** Whoever looked has seen what is gathered, and may wait for it to leave. */
  #isAwaited = false;
  /** Its listener has been told that it is gone. */
  #isOver = false;
  /** How it was closed before it had a listener. */
  #ended: [code: number, reason: string] | undefined = undefined;
  /** Steps since something came, and since it was open; since it was over, once it is. */
  #silent = 0;
  #age = 0;
  #lateBytes = 0;
  #fragments = 0;

  constructor(stream: Socket, group: SocketGroup, deflate: Deflate | undefined) {
    this.#stream = stream;
    this.#group = group;
    this.#deflate = deflate;
    // As the other engine: up to twice the limit the hub answers itself, behind the answers to what came before.
    this.#reader = new FrameReader(this, group.maxPayload * 2, deflate);
  }

  /** @param head what has been read of it already */
  start(listener: SocketListener, head: Buffer): void {
    this.#listener = listener;
    if (this.#ended !== undefined) listener.onClose(...this.#ended);
    this.#ended = undefined;
    listen(this.#stream, this);
    if (head.length > 0) this.onRead(head, head.length);
    if (this.#stream.destroyed) this.onGone();
    else if (this.#stream.readableEnded) this.onEnd();
  }

  get canPause(): boolean {
    return true;
  }

  // What the hub asks for

  /** hot: once per reply. */
  send(data: Uint8Array, isBinary: boolean, isShared?: boolean): number {
    const opcode = FIN | (isBinary ? Opcode.Binary : Opcode.Text);
    const deflate = data.length >= this.#group.compressionMinBytes ? this.#deflate : undefined;
    if (deflate === undefined) this.#append(opcode, data);
    else this.#append(opcode | RSV1, deflate.deflate(data, isShared));
    if (this.#isGathering) return SendVerdict.Sent;
    this.#flush();
    return this.#stream.writableLength > 0 ? SendVerdict.Buffered : SendVerdict.Sent;
  }

  ping(payload: Uint8Array): void {
    this.#append(FIN | Opcode.Ping, payload);
    if (!this.#isGathering) this.#flush();
  }

  cork(work: () => void): void {
    const isOuter = !this.#isGathering;
    this.#isGathering = true;
    try {
      work();
    } finally {
      if (isOuter) this.#gathered();
    }
  }

  bufferedBytes(): number {
    const gathered = this.#end - this.#start;
    if (gathered > 0) this.#isAwaited = true;
    return this.#stream.writableLength + gathered;
  }

  end(code: number, reason: string): void {
    this.#sayGoodbye(code, reason);
    this.#finish(code, reason);
  }

  terminate(): void {
    this.#stream.destroy();
    this.#finish(1006, '');
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#silent = 0;
    this.#reader.pause();
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    setImmediate(() => {
      if (this.#isPaused || this.#isOver) return;
      this.#isGathering = true;
      try {
        this.#reader.resume();
      } catch (error) {
        this.#fail(error);
      }
      this.#gathered();
      // It may have paused, and be about to resume, once more.
      if (!this.#reader.isPaused) this.#stream.resume();
    });
  }

  // What the stream tells

  /** hot: once per read. */
  onRead(bytes: Uint8Array, length: number): void {
    if (this.#isOver) {
      this.#lateBytes += length;
      if (this.#lateBytes > MAX_LATE_BYTES + 2 * this.#group.maxPayload) this.#stream.destroy();
      return;
    }
    this.#silent = 0;
    this.#isGathering = true;
    try {
      this.#reader.read(bytes, length);
    } catch (error) {
      this.#fail(error);
    }
    this.#gathered();
  }

  onEnd(): void {
    this.#finish(1006, '');
    // A TLS socket, or one of node:http, has two sides that end apart.
    this.#stream.end();
  }

  onGone(): void {
    this.#finish(1006, '');
    this.#group.forget(this);
  }

  /**
   * So much time has passed: what the thread did not run counts once. Pings whoever is silent; ends whoever is so for too
   * long, is too old, or does not take its end.
   */
  step(): void {
    const { pingSteps, idleSteps, lifeSteps, lingerSteps } = this.#group;
    this.#silent++;
    if (this.#isOver) {
      if (this.#silent > lingerSteps) this.#stream.destroy();
      return;
    }
    if (++this.#age === lifeSteps) {
      this.end(1000, 'please reconnect');
      return;
    }
    if (idleSteps === 0) return;
    if (this.#silent === pingSteps) {
      if (this.#group.sendPings) this.ping(NOTHING);
      // What it answers lies unread.
      if (this.#isPaused) this.#silent = 0;
    }
    if (this.#silent < idleSteps) return;
    this.#group.onEngineClose('timed out from inactivity');
    this.terminate();
  }

  // What the reader finds

  /** hot: once per message. */
  onMessage(source: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void {
    this.#listener!.onMessage(source, start, end, mask, isBinary);
  }

  onFragment(): void {
    if (++this.#fragments < FRAGMENTS_IN_A_ROW) return;
    this.#fragments = 0;
    if (this.#isPaused) return;
    this.pause();
    this.resume();
  }

  onPing(payload: Uint8Array): void {
    this.#append(FIN | Opcode.Pong, payload);
    this.#listener!.onPing(payload);
  }

  onPong(payload: Uint8Array): void {
    this.#listener!.onPong(payload);
  }

  /** A close frame is answered with what it says. */
  onClose(code: number, reason: string): void {
    this.#sayGoodbye(code, reason);
    this.#finish(code, reason);
  }

  onFault(code: FaultCode, reason: string): void {
    this.#group.onEngineClose(`${FAULTS[code]}${reason}`);
    this.#sayGoodbye(code, reason);
    this.#finish(code, reason);
  }

  /** What was sent before leaves first. What comes is read and forgotten until the peer ends too: else it might see a reset. */
  #sayGoodbye(code: number, reason: string): void {
    this.#append(FIN | Opcode.Close, code === NO_CODE ? NOTHING : makeClosePayload(code, reason));
    this.#flush();
    this.#stream.end();
    // Also when it is to be resumed in the next turn, in which it is over.
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  #finish(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#silent = 0;
    this.#dropBatch();
    this.#reader.stop();
    if (this.#listener === undefined) this.#ended = [code, reason];
    else this.#listener.onClose(code, reason);
  }

  // Writing

  #fail(error: unknown): void {
    this.#group.onError(error, 'message');
    if (!this.#isOver) this.terminate();
  }

  #gathered(): void {
    this.#isGathering = false;
    if (this.#batch !== undefined) this.#flush();
    if (!this.#isAwaited) return;
    this.#isAwaited = false;
    if (!this.#isOver && this.#stream.writableLength === 0) this.#listener!.onDrain();
  }

  /**
   * Puts a frame behind those that are to leave. Also of a published message each subscriber has his own: one frame for all, written
   * from where it lies, was no faster (µs of CPU per delivery: 64 B to 500 of them 10.4, and 11.4 for all; 100 KB to 100 53, and 52),
   * since nearly all of it is the write. hot: once per frame
   */
  #append(first: number, payload: Uint8Array): void {
    const { length } = payload;
    const bytes = headerBytes(length) + length;
    if (this.#batch === undefined || this.#end + bytes > this.#batch.length) this.#makeRoom(bytes, payload);
    const at = writeHeader(this.#batch!, this.#end, first, length);
    copyBytes(this.#batch!, at, payload);
    this.#end = at + length;
  }

  #makeRoom(bytes: number, { byteOffset, length }: Uint8Array): void {
    if (this.#batch !== undefined && this.#end - this.#start + bytes > MAX_BATCH_BYTES) this.#flush();
    const before = this.#batch;
    if (before === undefined) this.#start = this.#end = length < FAR_COPY_BYTES ? 0 : farFrom(byteOffset);
    this.#batch = takeMemory(this.#end + bytes);
    if (before === undefined) return;
    before.copy(this.#batch, this.#start, this.#start, this.#end);
    giveMemory(before);
  }

  #dropBatch(): void {
    if (this.#batch !== undefined) giveMemory(this.#batch);
    this.#batch = undefined;
    this.#start = this.#end = 0;
  }

  /** hot: once per cork. */
  #flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const stream = this.#stream;
    const frames = batch.subarray(this.#start, this.#end);
    this.#batch = undefined;
    this.#start = this.#end = 0;
    this.#onWritten ??= () => this.#written();
    if (stream.writableLength > 0) {
      // It has to wait: in memory of its own size.
      stream.write(Buffer.from(frames), this.#onWritten);
      giveMemory(batch);
      return;
    }
    stream.write(frames, this.#onWritten);
    if (stream.writableLength === 0) giveMemory(batch);
    else {
      this.#isBehind = true;
      this.#lent = batch;
    }
  }

  /** A write has been taken: hardly ever one that had to wait. */
  #written(): void {
    if (!this.#isBehind) return;
    if (this.#stream.writableLength === 0) {
      this.#isBehind = false;
      if (this.#lent !== undefined && !this.#stream.destroyed) giveMemory(this.#lent);
      this.#lent = undefined;
    }
    if (!this.#isOver) this.#listener!.onDrain();
  }
}

const NOTHING = new Uint8Array(0);
