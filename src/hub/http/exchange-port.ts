/**
 * What HTTP needs of the engine: one request and its answer. HTTP knows no more of an engine than this. I/O thread.
 */
import type { ClientCertificate, HandshakeRequest } from '../../api/handshake-request.js';
import { type HeaderList, textHeaders } from '../../util/headers.js';
import { joinTarget } from '../../util/request-target.js';
import type { Refusal } from '../admission/admission.js';

/** All headers of a request, names in lower case. A header that came twice is joined with `, `. */
export type Headers = Readonly<Record<string, string>>;

/** One request and its answer. After the first answer, and once the client is gone, nothing more is sent. */
export interface HttpExchange {
  /** In upper case. */
  readonly method: string;
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  readonly remoteAddress: string;
  readonly clientCertificate?: ClientCertificate | undefined;
  /** True when nothing can be answered any more. */
  readonly isOver: boolean;
  /** True when its answer cannot go on in pieces, since its connection is closed then. */
  readonly isIsolated: boolean;
  readonly headers: Headers;
  /** Called when the client is gone before the answer has left; the handler takes the place of the one before. */
  onAborted(handler: () => void): void;
  /**
   * Reads the request's body.
   *
   * @param maxBytes a longer body is not kept; `done` gets undefined as soon as that is known
   * @param done the body is valid during the call only
   */
  readBody(maxBytes: number, done: (body: Uint8Array | undefined) => void): void;
  /**
   * Answers. A HEAD request gets the headers only.
   *
   * @param body not read after the call
   * @param onSent called when the answer has left, unless the client is gone first
   */
  respond(
    status: string,
    headers: HeaderList,
    body: string | Uint8Array,
    closeConnection?: boolean,
    onSent?: () => void,
  ): void;
  /** Answers with the headers alone. @param length of the body that is left out, if it is told */
  respondWithoutBody(status: string, headers: HeaderList, length: number | undefined): void;
  /**
   * Begins an answer that goes on until it is ended. `onAborted` tells when the client is gone first. The engine cuts
   * off a response that sends nothing for 10 seconds.
   *
   * @param first what is sent at once; not empty, and short enough for one piece beside the headers
   * @returns undefined when the exchange is over already
   */
  stream(status: string, headers: HeaderList, first: string | Uint8Array): ResponseStream | undefined;
}

/** A response that goes on in pieces until one side ends it. */
export interface ResponseStream {
  /** The longest piece that leaves as one, in bytes. */
  readonly pieceBytes: number;
  /**
   * Sends a piece that is not empty.
   *
   * @returns false when the client has not taken what was sent before; the piece is buffered all the same
   */
  write(piece: string | Uint8Array): boolean;
  /** Called when the client has taken something of what was buffered. To be set before the first `write`. */
  onWritable(handler: () => void): void;
  end(): void;
  /** Ends the connection without waiting for the client to take what is buffered. */
  terminate(): void;
}

/** Answers with a sentence for a person. */
export function respondRefusal(
  exchange: HttpExchange,
  { status, headers, body }: Refusal,
  closeConnection = false,
): void {
  exchange.respond(status, textHeaders(headers), `${body}\n`, closeConnection);
}

/** A request as the hooks for handshakes see one. */
export function toRequest(exchange: HttpExchange): HandshakeRequest {
  const { path, query, headers, remoteAddress, clientCertificate } = exchange;
  const request = { url: joinTarget(path, query), path, query, headers, remoteAddress, subprotocols: [] };
  return clientCertificate === undefined ? request : { ...request, clientCertificate };
}
