/** All WebSockets of a server of engine `node`, and their time. I/O thread. */
import type { Socket } from 'node:net';
import type { Acceptance } from '../../admission/upgrade-result.js';
import type { EngineServerHost, EngineServerOptions } from '../engine-port.js';
import { Deflate } from './deflate.js';
import type { DeflateAgreement } from './deflate-agreement.js';
import { NodeSocket, type SocketGroup } from './node-socket.js';
import { takeStream } from './read-stream.js';

/** Each socket is looked at once in a step, as the other engine does it: time is counted in steps. */
const STEP_SECONDS = 4;
/** So long the peer of a closed socket may take to read the rest and end its side. */
const LINGER_SECONDS = 16;

export type SocketOptions = Pick<
  EngineServerOptions,
  'maxPayload' | 'compressionMinBytes' | 'idleTimeout' | 'sendPings' | 'maxLifetime'
>;
export type SocketHost = Pick<EngineServerHost, 'onOpen' | 'onEngineClose' | 'onError'>;

export class NodeSockets {
  readonly #host: SocketHost;
  readonly #group: SocketGroup;
  /**
   * A quarter of them in each, which is looked at every fourth second: an iterator that is kept between the seconds would
   * keep whoever was in the set when it grew.
   */
  readonly #parts = Array.from({ length: STEP_SECONDS }, () => new Set<NodeSocket>());
  #opened = 0;
  #seconds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SocketOptions, host: SocketHost) {
    this.#host = host;
    const { idleTimeout } = options;
    this.#group = {
      maxPayload: options.maxPayload,
      compressionMinBytes: options.compressionMinBytes,
      sendPings: options.sendPings,
      // What came right before a step has seen one.
      pingSteps: (idleTimeout - answerSeconds(idleTimeout)) / STEP_SECONDS + 1,
      idleSteps: idleTimeout === 0 ? 0 : idleTimeout / STEP_SECONDS + 1,
      lifeSteps: (options.maxLifetime * 60) / STEP_SECONDS,
      lingerSteps: LINGER_SECONDS / STEP_SECONDS,
      onEngineClose: (text) => host.onEngineClose(text),
      onError: (error, where) => host.onError(error, where),
      forget: (socket) => this.#forget(socket),
    };
  }

  /**
   * Makes a WebSocket of a socket whose handshake has been answered.
   *
   * @param head what it has been sent behind the handshake
   */
  open(socket: Socket, head: Buffer, acceptance: Acceptance, agreement?: DeflateAgreement): void {
    const { stream, head: early } = takeStream(socket, head);
    const port = new NodeSocket(stream, this.#group, agreement && new Deflate(agreement));
    this.#parts[this.#opened++ % STEP_SECONDS]!.add(port);
    this.#timer ??= setInterval(this.#sweep, 1000).unref();
    try {
      port.start(this.#host.onOpen(port, acceptance), early);
    } catch (error) {
      this.#host.onError(error, 'open');
      stream.destroy();
      this.#forget(port);
    }
  }

  /** Ends all of them without a close frame, also those that have been closed and wait for their peer. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const part of this.#parts) for (const socket of [...part]) socket.terminate();
  }

  #forget(socket: NodeSocket): void {
    this.#parts.some((part) => part.delete(socket));
  }

  readonly #sweep = (): void => {
    for (const socket of this.#parts[this.#seconds++ % STEP_SECONDS]!) socket.step();
  };
}

/** Seconds before the end of its time that a silent peer is pinged: those of the other engine. */
function answerSeconds(idleTimeout: number): number {
  return idleTimeout < 16 ? 4 : idleTimeout < 32 ? 8 : 16;
}
