/** One HTTP request and its response, over node:http's. I/O thread. */
import type { ServerResponse } from 'node:http';
import type { ClientCertificate } from '../../../../api/handshake-request.js';
import type { HeaderList } from '../../../../util/headers.js';
import type { Headers, HttpExchange, ResponseStream } from '../../../http/exchange-port.js';
import { gatherBody } from './body-reader.js';
import type { Answering, HttpConnection } from './connection.js';
import type { NodeRequest } from './request.js';

const PIECE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export class NodeExchange implements HttpExchange, Answering {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly remoteAddress: string;
  readonly clientCertificate: ClientCertificate | undefined;
  /** Its connection may be closed behind an answer in pieces as well. */
  readonly isIsolated = false;
  readonly #req: NodeRequest;
  readonly #res: ServerResponse;
  readonly #connection: HttpConnection;
  #isOver = false;
  #isAborted = false;
  #isReading = false;
  #onAborted: (() => void) | undefined;
  #onSent: (() => void) | undefined;
  #owedBytes = 0;

  constructor(
    req: NodeRequest,
    res: ServerResponse,
    connection: HttpConnection,
    remoteAddress: string,
    clientCertificate: ClientCertificate | undefined,
  ) {
    this.#req = req;
    this.#res = res;
    this.#connection = connection;
    this.method = req.method ?? '';
    this.path = req.path;
    this.query = req.query;
    this.headers = req.fields;
    this.remoteAddress = remoteAddress;
    this.clientCertificate = clientCertificate;
    connection.add(this);
    res.on('finish', () => this.#onFinish()).on('error', () => {});
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  onAborted(handler: () => void): void {
    this.#onAborted = handler;
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isOver = true;
    this.#isAborted = true;
    this.#onAborted?.();
  }

  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void {
    const connection = this.#connection;
    this.#isReading = true;
    connection.expectProgress();
    gatherBody(this.#req, maxBytes, {
      done: (body) => {
        if (body !== undefined) connection.expectNothing();
        done(body);
      },
      cut: () => connection.destroy(),
    });
  }

  respond(
    status: string,
    headers: HeaderList,
    body: string | Uint8Array,
    closeConnection = false,
    onSent?: () => void,
  ): void {
    // node:http keeps what it is given until it has left.
    const bytes = Buffer.from(body as Uint8Array);
    this.#answer(() => {
      this.#onSent = onSent;
      this.#owedBytes = bytes.length;
      this.#connection.owe(bytes.length);
      this.#writeHead(status, headers, bytes.length, closeConnection);
      this.#send(this.method === 'HEAD' ? NOTHING : bytes);
    });
  }

  respondWithoutBody(status: string, headers: HeaderList, length: number | undefined): void {
    this.#answer(() => {
      this.#writeHead(status, headers, length, false);
      this.#send(NOTHING);
    });
  }

  stream(status: string, headers: HeaderList, first: string | Uint8Array): ResponseStream | undefined {
    if (this.#isOver) return undefined;
    this.#writeHead(status, headers, undefined, false);
    this.#write(first);
    return {
      pieceBytes: PIECE_BYTES,
      write: (piece) => !this.#isOver && this.#write(piece),
      onWritable: (handler) => {
        this.#res.on('drain', () => {
          this.#connection.expectNothing();
          handler();
        });
      },
      end: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#res.end();
        this.#connection.expectProgress();
      },
      terminate: () => {
        if (this.#isOver) return;
        this.abort();
        this.#connection.destroy();
      },
    };
  }

  #send(bytes: Uint8Array): void {
    const res = this.#res;
    if (!this.#hasUnread) {
      res.end(bytes);
      return;
    }
    // Closed now, the connection would be reset, and the client might lose the answer: it is read on for a while.
    res.flushHeaders();
    if (bytes.length > 0) res.write(bytes);
    if (!this.#isReading) this.readBody(0, () => {});
    this.#req.once('end', () => res.end());
  }

  #write(piece: string | Uint8Array): boolean {
    const isTaken = this.#res.write(Buffer.from(piece as Uint8Array));
    if (!isTaken) this.#connection.expectProgress();
    return isTaken;
  }

  /** Writes the answer, unless there is one: at the end of the turn where a body may still come that nobody reads. */
  #answer(write: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const answer = (): void => {
      if (this.#isAborted) return;
      try {
        write();
        this.#connection.expectProgress();
      } catch (error) {
        // A header that node:http does not take, after which there is no answer to give.
        this.#connection.fail(error);
      }
    };
    if (this.#hasUnread) setImmediate(answer);
    else answer();
  }

  get isAtBody(): boolean {
    return this.#hasUnread && !this.#isOver && !this.#res.headersSent;
  }

  get #hasUnread(): boolean {
    return this.#req.hasBody && !this.#req.complete;
  }

  #writeHead(status: string, headers: HeaderList, length: number | undefined, mustClose: boolean): void {
    const fields = headers.flat();
    if (length !== undefined) fields.push('Content-Length', String(length));
    // It would have to be read to its end for nothing.
    if (mustClose || this.#req.isLast || this.#hasUnread) {
      fields.push('Connection', 'close');
      this.#connection.closeBehind();
    }
    const space = status.indexOf(' ');
    this.#res.writeHead(Number(status.slice(0, space)), status.slice(space + 1), fields);
  }

  #onFinish(): void {
    this.#connection.remove(this, this.#owedBytes);
    if (!this.#isAborted && !this.#connection.isGone) this.#onSent?.();
  }
}
