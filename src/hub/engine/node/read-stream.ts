/**
 * What a WebSocket reads from: the socket that it came over, or a new one around the same handle, which reads into
 * memory that all sockets share, and has nothing that HTTP left behind. I/O thread.
 *
 * With memory of its own for each read, as a socket comes from node:http, an echo of 16 KiB and more gets half as far, and
 * one of 64 B three fifths. The handle of a socket is not documented: where it is not as known, the socket is read as it is.
 */
import { Socket } from 'node:net';
import { readMemory } from './read-memory.js';

/** Whom a stream tells what it has read. */
export interface StreamOwner {
  /** Bytes that are lent: `bytes[0…length)`. They may be written to. */
  onRead(bytes: Uint8Array, length: number): void;
  /** The peer has ended its side. */
  onEnd(): void;
  /** The stream is gone. */
  onGone(): void;
}

interface Handle {
  reading: boolean;
  readStop(): void;
  useUserBuffer(memory: Uint8Array): void;
}

type Owned<S extends object> = S & { [OWNER]: StreamOwner };

const OWNER = Symbol('owner');

/** @returns the stream to use from now on, and what had been read of it already */
export function takeStream(socket: Socket, head: Buffer): { stream: Socket; head: Buffer } {
  const handle = handleOf(socket);
  if (handle === undefined) return { stream: socket, head };
  const early: Buffer[] = [head];
  for (let piece = socket.read(); piece !== null; piece = socket.read()) early.push(piece);
  handle.readStop();
  handle.reading = false;
  (socket as unknown as { _handle: unknown })._handle = null;
  // It is counted no more, and lets go of what it has.
  socket.destroy();
  const options = { handle, onread: { buffer: readMemory, callback: onShared } };
  return {
    stream: new SharedReader(options as object),
    head: early.length === 1 ? head : Buffer.concat(early),
  };
}

/** A stream that reads into the shared memory. */
class SharedReader extends Socket {}

/** Undefined for TLS, for what is about to end or has something to write, and for what is not as known. */
function handleOf(socket: Socket): Handle | undefined {
  if (socket.constructor !== Socket || socket.writableLength > 0 || !socket.readable || socket.destroyed)
    return undefined;
  const { _handle: handle } = socket as unknown as { _handle?: Partial<Handle> };
  const isKnown = typeof handle?.readStop === 'function' && typeof handle.useUserBuffer === 'function';
  return isKnown ? (handle as Handle) : undefined;
}

/** Tells `owner` from now on. Functions that all streams share: each closure would cost 64 bytes for every one. */
export function listen(stream: Socket, owner: StreamOwner): void {
  (stream as Owned<Socket>)[OWNER] = owner;
  stream.on('end', onEnd).on('error', ignore).on('close', onClose);
  if (!(stream instanceof SharedReader)) stream.on('data', onData);
}

/** hot: once per read. */
function onShared(this: Owned<Socket>, length: number, bytes: Uint8Array): boolean {
  this[OWNER].onRead(bytes, length);
  return true;
}

function onData(this: Socket, bytes: Buffer): void {
  (this as Owned<Socket>)[OWNER].onRead(bytes, bytes.length);
}

function onEnd(this: Socket): void {
  (this as Owned<Socket>)[OWNER].onEnd();
}

function onClose(this: Socket): void {
  (this as Owned<Socket>)[OWNER].onGone();
}

/** A reset, a broken pipe: `close` follows. */
function ignore(): void {}
