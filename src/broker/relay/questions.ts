/** What a node asks a relay, and what it is answered; as JSON. Types only. */
import type { Position } from '../../api/broker.js';
import type { HistoryBounds, HistoryRead } from '../broker.js';

export type Asked =
  | { readonly what: 'follow'; readonly topic: string }
  | { readonly what: 'listen'; readonly channel: string }
  | {
      readonly what: 'append';
      readonly topic: string;
      readonly bounds: HistoryBounds;
      readonly id?: string | undefined;
    }
  | {
      readonly what: 'read';
      readonly topic: string;
      readonly bounds: HistoryBounds;
      readonly since?: Position | undefined;
      readonly limit: number;
    };

/** `n` counts the questions of a node: the answer has the same. */
export type Question = Asked & { readonly n: number };

/** A publication of a history: its bytes follow those of the one before. */
export interface Read extends Omit<HistoryRead, 'publications'> {
  readonly publications: readonly { readonly offset: number; readonly length: number }[];
}

export interface Answer {
  readonly n: number;
  readonly position?: Position;
  readonly read?: Read;
}

/** Where a publication is. */
export interface Place {
  readonly topic: string;
  readonly offset: number;
  readonly previous: number;
  readonly epoch: string;
}
