/**
 * HTTP requests that the application answers: from the engine's to a `Request` of the Fetch standard, and back from its
 * `Response`. I/O thread.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, HubError, isAbortError } from '../../api/errors.js';
import type { HttpHandler } from '../../api/http.js';
import { TOKEN } from '../../util/http-token.js';
import { joinTarget } from '../../util/request-target.js';
import {
  nothingThere,
  type Readiness,
  type Refusal,
  refusal,
  refuseUnready,
} from '../admission/admission.js';
import { type Headers, type HttpExchange, respondRefusal } from './exchange-port.js';
import { sendResponse } from './response.js';

export interface HttpAppHost {
  onRefused(exchange: HttpExchange, answer: Refusal): void;
  readiness(): Readiness;
  onError(error: unknown): void;
}

export interface HttpAppOptions {
  readonly scheme: 'http' | 'https';
  /** Bytes of the largest body that is taken. */
  readonly maxPayload: number;
  /** Bytes of a response that has to be gathered. */
  readonly maxQueueBytes: number;
}

const BAD_REQUEST = '400 Bad Request';
/** A `Request` cannot have these methods. */
const FORBIDDEN = ['CONNECT', 'TRACE', 'TRACK'];
const WITHOUT_BODY = ['GET', 'HEAD'];

export class HttpApp {
  readonly #host: HttpAppHost;
  readonly #options: HttpAppOptions;
  #handler: HttpHandler | undefined;
  /** Of requests that are not answered. */
  readonly #active = new Set<AbortController>();
  #onIdle: (() => void) | undefined;

  constructor(host: HttpAppHost, options: HttpAppOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** @throws HubError `ERR_ARGUMENT` */
  use(handler: HttpHandler): void {
    if (typeof handler !== 'function') {
      const takes = 'takes a function (request, info) that returns a Response';
      throw new HubError('ERR_ARGUMENT', `http got ${describe(handler)} but ${takes}`);
    }
    this.#handler = handler;
  }

  /** False when there is no application. */
  handle(exchange: HttpExchange): boolean {
    const handler = this.#handler;
    if (handler === undefined) return false;
    const refused = this.#refuseEarly(exchange);
    if (refused !== undefined) {
      this.#refuse(exchange, refused);
      return true;
    }
    const headers = exchange.headers;
    const abort = new AbortController();
    exchange.onAborted(() => abort.abort());
    const answer = (body?: Uint8Array<ArrayBuffer>) =>
      void this.#answer(handler, exchange, headers, body, abort);
    if (WITHOUT_BODY.includes(exchange.method)) answer();
    else this.#readBody(exchange, answer);
    return true;
  }

  /** Waits until every request is answered, or the time is over; then aborts the rest. False when there was none. */
  async drain(over: Promise<void>): Promise<boolean> {
    if (this.#active.size === 0) return false;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await Promise.race([idle, over]);
    for (const abort of this.#active) abort.abort();
    return true;
  }

  #readBody(exchange: HttpExchange, done: (body: Uint8Array<ArrayBuffer>) => void): void {
    const { maxPayload } = this.#options;
    exchange.readBody(maxPayload, (body) => {
      // It may be the engine's own.
      if (body !== undefined) done(new Uint8Array(body));
      else {
        const text = `The body is over ${maxPayload} bytes.`;
        this.#refuse(exchange, refusal('too-large', '413 Content Too Large', text), true);
      }
    });
  }

  #refuseEarly({ method }: HttpExchange): Refusal | undefined {
    const unready = refuseUnready(this.#host.readiness());
    if (unready !== undefined) return unready;
    if (!TOKEN.test(method)) return refusal('bad-request', BAD_REQUEST, 'The method is no token.');
    if (!FORBIDDEN.includes(method)) return undefined;
    const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
    return refusal('bad-method', '405 Method Not Allowed', `This server takes ${allow}.`, [['Allow', allow]]);
  }

  /** Never throws. */
  async #answer(
    handler: HttpHandler,
    exchange: HttpExchange,
    headers: Headers,
    body: Uint8Array<ArrayBuffer> | undefined,
    abort: AbortController,
  ): Promise<void> {
    this.#active.add(abort);
    try {
      const request = this.#toRequest(exchange, headers, body, abort.signal);
      if (request === undefined) {
        const text = 'The Host header or the target is no part of a URL.';
        this.#refuse(exchange, refusal('bad-request', BAD_REQUEST, text));
        return;
      }
      const { remoteAddress, clientCertificate } = exchange;
      const info = clientCertificate === undefined ? { remoteAddress } : { remoteAddress, clientCertificate };
      const response = await handler(request, info);
      // Nothing may be written before the engine has seen the end of what it read: see `HttpExchange.isIsolated`.
      if (exchange.isIsolated) await nextTurn();
      if (response === undefined) this.#refuse(exchange, nothingThere());
      else await sendResponse(exchange, response, abort.signal, this.#options.maxQueueBytes);
    } catch (error) {
      this.#fail(exchange, error, abort.signal);
    } finally {
      this.#active.delete(abort);
      if (this.#active.size === 0) this.#onIdle?.();
    }
  }

  #toRequest(
    { path, query, method }: HttpExchange,
    headers: Headers,
    body: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal,
  ): Request | undefined {
    const { host = 'localhost' } = headers;
    if (!/^[^\s/?#@\\]+$/.test(host) || !path.startsWith('/')) return undefined;
    const url = `${this.#options.scheme}://${host}${joinTarget(path, query)}`;
    if (!URL.canParse(url)) return undefined;
    const pairs = Object.entries(headers).map(([name, value]): [string, string] => [
      name,
      toByteString(value),
    ]);
    return new Request(url, { method, headers: pairs, signal, ...(body === undefined ? {} : { body }) });
  }

  #fail(exchange: HttpExchange, error: unknown, signal: AbortSignal): void {
    // It stopped because the client is gone, as it was told to.
    if (signal.aborted && isAbortError(error)) return;
    this.#host.onError(error);
    this.#refuse(
      exchange,
      refusal('http-error', '500 Internal Server Error', 'The server failed to answer this request.'),
    );
  }

  #refuse(exchange: HttpExchange, answer: Refusal, closeConnection = false): void {
    this.#host.onRefused(exchange, answer);
    respondRefusal(exchange, answer, closeConnection);
  }
}

/** The bytes of a header as characters, as the Fetch standard has it; the engine decodes them as UTF-8. */
function toByteString(value: string): string {
  return /[^\0-\x7f]/.test(value) ? Buffer.from(value).toString('latin1') : value;
}
