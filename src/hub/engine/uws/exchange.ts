/** One HTTP request and its response, over the engine's. */
import type { HeaderList } from '../../../util/headers.js';
import type { Headers, HttpExchange, ResponseStream } from '../../http/exchange-port.js';
import { BodyBuffer } from '../body-buffer.js';
import { PIECE_BYTES, writeEmpty, writeHead, writeWhole } from './engine-response.js';
import type { UwsRequest, UwsResponse } from './uws.js';

/** A body that nobody reads may be so long while its request is not answered. */
const MAX_SKIPPED_BYTES = 64 * 1024;
/** Pieces of a body, as its sender cut it, that may come in one turn of the loop: about 50 ms of work. */
const MAX_PIECES = 32 * 1024;

export class UwsExchange implements HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly remoteAddress: string;
  /** Its connection serves nothing else. */
  readonly #isolated: boolean;
  readonly #isPutOff: boolean;
  readonly headers: Headers;
  readonly #res: UwsResponse;
  /** True while a part of its body may come that nobody reads. */
  #hasUnread: boolean;
  #isOver = false;
  #isAborted = false;
  #onAborted: (() => void) | undefined;
  /** Of its body so far. */
  #bodySize = 0;
  #pieces = 0;
  /** What may come of it. */
  #maxBodyBytes = MAX_SKIPPED_BYTES;
  /** Gets each piece, valid during the call, with the length of the body up to its end. */
  #read: ((piece: Uint8Array, size: number, isLast: boolean) => void) | undefined;

  /** @param isPutOff it is answered when the engine has seen the end of what it read */
  constructor(
    res: UwsResponse,
    req: UwsRequest,
    headers: Headers,
    remoteAddress: string,
    isolated: boolean,
    isPutOff: boolean,
  ) {
    this.#res = res;
    this.headers = headers;
    this.remoteAddress = remoteAddress;
    this.#isolated = isolated;
    this.#isPutOff = isolated || isPutOff;
    const { 'content-length': length, 'transfer-encoding': encoding } = headers;
    this.#hasUnread = (length ?? '0') !== '0' || encoding !== undefined;
    this.method = req.getMethod().toUpperCase();
    this.path = req.getUrl();
    this.query = req.getQuery() ?? '';
    // The engine ends the process when a response is neither ended nor watched.
    res.onAborted(() => {
      this.#isOver = true;
      this.#isAborted = true;
      this.#onAborted?.();
    });
    if (this.#hasUnread) this.#watchBody();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isIsolated(): boolean {
    return this.#isolated;
  }

  onAborted(handler: () => void): void {
    this.#onAborted = handler;
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    const body = new BodyBuffer(maxBytes);
    let isDecided = false;
    this.#maxBodyBytes = 2 * maxBytes + MAX_SKIPPED_BYTES;
    this.#read = (chunk, size, isLast) => {
      if (isDecided) return;
      isDecided = isLast || size > maxBytes;
      if (size > maxBytes) done(undefined);
      // The first and only chunk is the common case: it may be read during the call.
      else if (isLast && size === chunk.length) done(chunk);
      else {
        body.add(chunk);
        if (isLast) done(body.bytes);
      }
    };
    // Else it is watched already.
    if (!this.#hasUnread) this.#watchBody();
  }

  #watchBody(): void {
    this.#res.onData((piece, isLast) => this.#onPiece(new Uint8Array(piece), isLast));
  }

  /** Ends a connection whose body takes the time of others: the engine reads it for as long as it has more. */
  #onPiece(piece: Uint8Array, isLast: boolean): void {
    this.#bodySize += piece.length;
    if (isLast) this.#hasUnread = false;
    else if (++this.#pieces === 1)
      setImmediate(() => {
        this.#pieces = 0;
      });
    if (this.#bodySize > this.#maxBodyBytes || this.#pieces > MAX_PIECES) this.#res.close();
    else this.#read?.(piece, this.#bodySize, isLast);
  }

  respond(
    status: string,
    headers: HeaderList,
    body: string | Uint8Array,
    closeConnection = false,
    onSent?: () => void,
  ): void {
    this.#answer((mustClose) => {
      const isLast = closeConnection || mustClose;
      if (this.method !== 'HEAD') writeWhole(this.#res, status, headers, body, isLast, onSent);
      else {
        this.#writeEmpty(status, headers, Buffer.byteLength(body), isLast);
        onSent?.();
      }
    });
  }

  respondWithoutBody(status: string, headers: HeaderList, length: number | undefined): void {
    this.#answer((mustClose) => this.#writeEmpty(status, headers, length, mustClose));
  }

  #writeEmpty(status: string, headers: HeaderList, length: number | undefined, mustClose: boolean): void {
    if (!writeEmpty(this.#res, status, headers, length, mustClose)) return;
    this.#onAborted = undefined;
    // Inside the engine's callback the head is still corked.
    setImmediate(() => {
      if (!this.#isAborted) this.#res.close();
    });
  }

  /** Writes the answer, unless there is one. Where the connection is isolated, it is closed then. */
  #answer(write: (mustClose: boolean) => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isPutOff && !this.#hasUnread) write(false);
    else
      setImmediate(() => {
        // The engine would go on reading a body for nothing.
        if (!this.#isAborted) write(this.#isolated || this.#hasUnread);
      });
  }

  stream(status: string, headers: HeaderList, first: string | Uint8Array): ResponseStream | undefined {
    if (this.#isOver) return undefined;
    const res = this.#res;
    const inCork = (work: () => void): void => {
      if (!this.#isOver) res.cork(work);
    };
    inCork(() => {
      writeHead(res, status, headers);
      res.write(first);
    });
    return {
      pieceBytes: PIECE_BYTES,
      write: (piece) => {
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
        let isTaken = false;
        for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
          inCork(() => {
            isTaken = res.write(bytes.subarray(at, at + PIECE_BYTES));
          });
        return isTaken;
      },
      onWritable: (handler) => {
        res.onWritable(() => {
          inCork(() => {});
          handler();
          return true;
        });
      },
      end: () =>
        inCork(() => {
          this.#isOver = true;
          // The engine would write its "Connection: close" into the body.
          res.end();
        }),
      terminate: () => {
        if (!this.#isOver) res.close();
      },
    };
  }
}

/** All headers of a request. The engine gives their names in lower case. */
export function readHeaders(req: UwsRequest): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  req.forEach((name, value) => {
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  });
  return headers;
}
