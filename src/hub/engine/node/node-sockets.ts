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
/** A part of all sockets is looked at every second. */
const PARTS = STEP_SECONDS;
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
  readonly #all = new Set<NodeSocket>();
  #timer: NodeJS.Timeout | undefined;
  /** Of the step at hand: who is left, and how many parts have been. */
  #left = this.#all.values();
  #parts = 0;

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
      forget: (socket) => this.#all.delete(socket),
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
    this.#all.add(port);
    this.#timer ??= setInterval(this.#sweep, (STEP_SECONDS * 1000) / PARTS).unref();
    try {
      port.start(this.#host.onOpen(port, acceptance), early);
    } catch (error) {
      this.#host.onError(error, 'open');
      stream.destroy();
      this.#all.delete(port);
    }
  }

  /** Ends all of them without a close frame, also those that have been closed and wait for their peer. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const socket of [...this.#all]) socket.terminate();
  }

  readonly #sweep = (): void => {
    if (this.#parts === 0) this.#left = this.#all.values();
    this.#parts = (this.#parts + 1) % PARTS;
    let count = this.#parts === 0 ? Number.POSITIVE_INFINITY : Math.ceil(this.#all.size / PARTS);
    for (; count > 0; count--) {
      const next = this.#left.next();
      if (next.done) return;
      next.value.step();
    }
  };
}

/** Seconds before the end of its time that a silent peer is pinged: those of the other engine. */
function answerSeconds(idleTimeout: number): number {
  return idleTimeout < 16 ? 4 : idleTimeout < 32 ? 8 : 16;
}
