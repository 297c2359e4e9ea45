/** What a shard has in flight: counted for itself, for each connection, and for the process. I/O thread. */
import type { Counters } from '../../telemetry/counters.js';
import type { InboundEntry } from '../connection/connection-record.js';

export class InFlight {
  readonly #counters: Counters;
  /** Gauge: records that have been accepted and not finished. */
  records = 0;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** hot: once per message in, and once for those of a connection that finish in a row. */
  add(connection: InboundEntry, records: number, bytes: number): void {
    this.records += records;
    this.#counters.inFlight += records;
    this.#counters.inFlightBytes += bytes;
    connection.inFlight += records;
    connection.inFlightBytes += bytes;
    if (!connection.isLeaving) return;
    this.#counters.leaving += records;
    this.#counters.leavingBytes += bytes;
  }

  /** The same for records of a connection that has left the table. */
  remove(records: number, bytes: number): void {
    this.records -= records;
    this.#counters.inFlight -= records;
    this.#counters.inFlightBytes -= bytes;
  }

  /** All that a connection has, at once. */
  clear(connection: InboundEntry): void {
    this.add(connection, -connection.inFlight, -connection.inFlightBytes);
  }

  /** The connection is closed for a fault: what it has left in the worker is counted apart. */
  markLeaving(connection: InboundEntry): void {
    if (connection.isLeaving) return;
    connection.isLeaving = true;
    this.#counters.leaving += connection.inFlight;
    this.#counters.leavingBytes += connection.inFlightBytes;
  }

  /** The connection goes to another shard with what it has. */
  moveTo(other: InFlight, connection: InboundEntry): void {
    this.records -= connection.inFlight;
    other.records += connection.inFlight;
  }
}
