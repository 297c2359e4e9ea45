/**
 * A connection that lives for one `POST /echo`: the body is its one message, the replies are the response.
 */
import { CloseCode } from '../../api/close-codes.js';
import { TEXT_TYPE } from '../../util/headers.js';
import { unavailable } from '../admission/admission.js';
import { SendVerdict, type SocketListener, type SocketPort } from '../connection/socket-port.js';
import { type HttpExchange, respondRefusal } from './exchange-port.js';

export class HttpPort implements SocketPort {
  readonly #exchange: HttpExchange;
  readonly #maxBytes: number;
  readonly #replies: Uint8Array[] = [];
  #size = 0;
  #isText = false;
  #listener: SocketListener | undefined;

  /** @param maxBytes bound of the response's body */
  constructor(exchange: HttpExchange, maxBytes: number) {
    this.#exchange = exchange;
    this.#maxBytes = maxBytes;
  }

  attach(listener: SocketListener): void {
    this.#listener = listener;
    this.#exchange.onAborted(() => this.#leave(CloseCode.Abnormal, 'the client is gone'));
  }

  send(data: Uint8Array, isBinary: boolean): number {
    this.#size += data.byteLength;
    if (this.#size > this.#maxBytes) return SendVerdict.Dropped;
    if (this.#replies.length === 0) this.#isText = !isBinary;
    this.#replies.push(Uint8Array.prototype.slice.call(data));
    return SendVerdict.Sent;
  }

  /** There is nobody who could answer. */
  ping(): void {}

  cork(work: () => void): void {
    work();
  }

  bufferedBytes(): number {
    return 0;
  }

  end(code: number, reason: string): void {
    this.#respond(code, reason);
    this.#leave(code, reason);
  }

  terminate(): void {
    this.end(CloseCode.TryAgainLater, 'overloaded: try again later');
  }

  get canPause(): boolean {
    return false;
  }

  pause(): void {}

  resume(): void {}

  #leave(code: number, reason: string): void {
    this.#listener?.onClose(code, reason);
    this.#listener = undefined;
  }

  #respond(code: number, reason: string): void {
    const exchange = this.#exchange;
    if (code === CloseCode.InternalError) {
      exchange.respond('500 Internal Server Error', [['Content-Type', TEXT_TYPE]], `${reason}\n`);
    } else if (code === CloseCode.InvalidPayload) {
      exchange.respond('400 Bad Request', [['Content-Type', TEXT_TYPE]], `${reason}\n`);
    } else if (
      code === CloseCode.GoingAway ||
      code === CloseCode.ServiceRestart ||
      code === CloseCode.TryAgainLater
    ) {
      respondRefusal(exchange, { ...unavailable('draining'), body: reason });
    } else if (this.#size > this.#maxBytes) {
      const body = `The replies are over ${this.#maxBytes} bytes.\n`;
      exchange.respond('500 Internal Server Error', [['Content-Type', TEXT_TYPE]], body);
    } else {
      const type = this.#isText ? TEXT_TYPE : 'application/octet-stream';
      const body = this.#replies.length === 1 ? this.#replies[0]! : Buffer.concat(this.#replies);
      exchange.respond('200 OK', [['Content-Type', type]], body);
    }
  }
}
