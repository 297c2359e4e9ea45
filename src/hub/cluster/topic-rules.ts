/** What the option `topics` says of a topic. Types only. */
import type { HistoryBounds } from '../../broker/broker.js';
import type { Patterns } from '../../util/patterns.js';

export interface TopicRule {
  readonly history?: HistoryBounds | undefined;
  readonly presence: boolean;
  readonly joinLeave: boolean;
  readonly conflate: boolean;
  readonly envelope?: 'json' | undefined;
}

export type HistoryRule = TopicRule & { readonly history: HistoryBounds };

export type TopicRules = Patterns<TopicRule>;
