/** A handshake on a socket that has left HTTP: answered at once or later. I/O thread. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { HandshakeRequest } from '../../../../api/handshake-request.js';
import type { Refusal } from '../../../admission/admission.js';
import type { HandshakePort } from '../../../admission/upgrade.js';
import type { Acceptance } from '../../../admission/upgrade-result.js';
import { formatHead, refuseSocket } from './refuse-socket.js';

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** What a client sends before it is answered is kept up to here; then it has to wait. */
const MAX_EARLY_BYTES = 16 * 1024;

/** Makes a WebSocket of the socket. @param head what the client has sent already */
export type Attach = (acceptance: Acceptance, head: Buffer) => void;

export class NodeHandshake implements HandshakePort {
  readonly request: HandshakeRequest;
  readonly #socket: Socket;
  /** What is agreed to; empty for none. */
  readonly #extensions: string;
  readonly #attach: Attach;
  #head: Buffer;
  /** True once it is answered, or nobody is there to answer. */
  #isOver = false;
  #onAborted: (() => void) | undefined;

  constructor(socket: Socket, head: Buffer, request: HandshakeRequest, extensions: string, attach: Attach) {
    this.#socket = socket;
    this.#head = head;
    this.request = request;
    this.#extensions = extensions;
    this.#attach = attach;
  }

  defer(onAborted: () => void): void {
    this.#onAborted = onAborted;
    // A socket that is not read does not tell that its peer has gone.
    this.#socket.on('data', this.#keep).on('end', this.#abort).on('close', this.#abort).on('error', ignore);
  }

  accept(acceptance: Acceptance): void {
    if (this.#isOver) return;
    this.#finish();
    const { headers, request } = acceptance;
    const { subprotocol } = request;
    const answer = formatHead('101 Switching Protocols', [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', acceptKey(request.headers['sec-websocket-key'] ?? '')],
      ...(subprotocol === undefined ? [] : [['Sec-WebSocket-Protocol', subprotocol] as const]),
      ...(this.#extensions === '' ? [] : [['Sec-WebSocket-Extensions', this.#extensions] as const]),
      ...headers,
    ]);
    this.#socket.write(answer);
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#attach(acceptance, this.#head);
  }

  refuse(refusal: Refusal): void {
    if (this.#isOver) return;
    this.#finish();
    refuseSocket(this.#socket, refusal);
  }

  #finish(): void {
    this.#isOver = true;
    if (this.#onAborted === undefined) return;
    const socket = this.#socket;
    socket.off('data', this.#keep).off('end', this.#abort).off('close', this.#abort).off('error', ignore);
  }

  readonly #keep = (bytes: Buffer): void => {
    this.#head = Buffer.concat([this.#head, bytes]);
    if (this.#head.length > MAX_EARLY_BYTES) this.#socket.pause();
  };

  readonly #abort = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#onAborted?.();
  };
}

function ignore(): void {}

function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}
