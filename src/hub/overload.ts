/**
 * The bounds of the whole process. uWebSockets.js cannot pause reading a WebSocket, so what cannot be held is not
 * refused but shed: the heaviest connections first, until the process is below its bound. Those whose peer has left
 * already, with messages still waiting, lose the messages.
 */
import { CloseCode } from '../close-codes.js';
import type { Counters } from '../metrics/counters.js';
import type { Connection } from './connection.js';

export interface OverloadLimits {
  readonly maxInFlightBytes: number;
  readonly maxBufferedBytes: number;
}

/** Shedding goes on to this part of the bound, so that it does not start over with the next message. */
const TARGET = 0.9;

export class Overload {
  readonly #limits: OverloadLimits;
  readonly #counters: Counters;
  readonly #connections: Iterable<Connection>;

  constructor(limits: OverloadLimits, counters: Counters, connections: Iterable<Connection>) {
    this.#limits = limits;
    this.#counters = counters;
    this.#connections = connections;
  }

  /** Sheds if what is in flight, or what is buffered, is over its bound. Not inside a cork or an engine callback. */
  relieve(): void {
    const { inFlightBytes, queuedBytes, engineBytes } = this.#counters;
    const { maxInFlightBytes, maxBufferedBytes } = this.#limits;
    if (inFlightBytes > maxInFlightBytes) {
      this.#shed(inFlightBytes - maxInFlightBytes * TARGET, (connection) => connection.inFlightBytes);
    }
    if (queuedBytes + engineBytes > maxBufferedBytes) {
      const excess = queuedBytes + engineBytes - maxBufferedBytes * TARGET;
      this.#shed(excess, (connection) => connection.outboundBytes);
    }
  }

  #shed(excess: number, weigh: (connection: Connection) => number): void {
    const heaviest = [...this.#connections]
      .filter((connection) => weigh(connection) > 0)
      .sort((a, b) => weigh(b) - weigh(a));
    let left = excess;
    for (const connection of heaviest) {
      if (left <= 0) return;
      left -= weigh(connection);
      connection.shed(CloseCode.TryAgainLater, 'overloaded: try again later');
    }
  }
}
