/**
 * The bounds of the whole process, and the connections that are not read because of a bound. With an engine that cannot
 * pause reading a WebSocket, what cannot be held is not refused but shed: the heaviest connections first, until the
 * process is below its bound. Those whose peer has left already, with messages still waiting, lose the messages.
 */
import { CloseCode } from '../../api/close-codes.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Connection } from './connection.js';

export interface OverloadLimits {
  readonly maxInFlightBytes: number;
  readonly maxBufferedBytes: number;
  readonly overload: 'shed' | 'drop' | 'pause';
}

/** Where connections are paused, those that sent one message more each are shed only from so much of the bound on. */
const LAST_RESORT = 2;
/** Shedding goes on to this part of the bound, so that it does not start over with the next message. */
const TARGET = 0.9;

export class Overload {
  readonly #limits: OverloadLimits;
  readonly #counters: Counters;
  readonly #connections: Iterable<Connection>;
  #paused: Connection[] = [];

  constructor(limits: OverloadLimits, counters: Counters, connections: Iterable<Connection>) {
    this.#limits = limits;
    this.#counters = counters;
    this.#connections = connections;
  }

  /** It is looked at again with every `relieve`. */
  addPaused(connection: Connection): void {
    this.#paused.push(connection);
  }

  /** Reads whom it may again, and sheds if what is in flight, or what is buffered, is over its bound. Not inside a cork. */
  relieve(): void {
    if (this.#paused.length > 0) this.#paused = this.#paused.filter((connection) => !connection.resume());
    const { inFlightWeight, leavingWeight, outboundWeight } = this.#counters;
    const { maxInFlightBytes, maxBufferedBytes, overload } = this.#limits;
    // What closed connections have left in the workers goes by itself: it counts only when it is as much again.
    const inFlight = Math.max(inFlightWeight, inFlightWeight + leavingWeight - maxInFlightBytes);
    if (overload === 'drop') return;
    if (inFlight > maxInFlightBytes * (overload === 'pause' ? LAST_RESORT : 1)) {
      this.#shedInFlight(inFlight - maxInFlightBytes * TARGET);
    }
    if (outboundWeight > maxBufferedBytes) {
      this.#shedOutbound(maxBufferedBytes * TARGET);
    }
  }

  #shedInFlight(excess: number): void {
    let left = excess;
    for (const connection of this.#heaviest((connection) => connection.inFlightWeight)) {
      if (left <= 0) return;
      left -= connection.inFlightWeight;
      shed(connection);
    }
  }

  /** A published message is in many queues: what closing one of them frees is known when it is closed. */
  #shedOutbound(target: number): void {
    for (const connection of this.#heaviest((connection) => connection.outboundWeight)) {
      if (this.#counters.outboundWeight <= target) return;
      shed(connection);
    }
  }

  #heaviest(weigh: (connection: Connection) => number): Connection[] {
    return [...this.#connections]
      .filter((connection) => !connection.isLeaving && weigh(connection) > 0)
      .sort((a, b) => weigh(b) - weigh(a));
  }
}

function shed(connection: Connection): void {
  connection.shed('process-bound', CloseCode.TryAgainLater, 'overloaded: try again later');
}
