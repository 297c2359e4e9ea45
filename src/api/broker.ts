/** What crosses between hubs, as applications see it: positions, history, presence, nodes. */
import type { Payload } from './payload.js';

/** A place in a topic's history. Positions of different epochs cannot be compared. */
export interface Position {
  /** Of the last publication up to here; 0 before the first. Offsets increase, and may leave numbers out. */
  readonly offset: number;
  /** Which history it is a place in: changes when that is lost and begun again. */
  readonly epoch: string;
}

/** One publication of a topic with history. */
export interface Publication {
  /** Its place. */
  readonly offset: number;
  /** A string for a text frame, bytes for a binary one. */
  readonly data: Exclude<Payload, ArrayBuffer>;
}
