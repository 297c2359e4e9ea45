/**
 * A hub under a supervisor: what is asked of it about itself is answered for all processes, as any of them may be the one that
 * is asked. There is one such hub in a process. I/O thread.
 */
import type { HubStats } from '../../api/stats.js';

export interface WholeAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Asks the supervisor for `/stats`, `/metrics` or `/readyz`. Undefined when it does not answer: then the hub is alone. */
export type AskWhole = (path: string) => Promise<WholeAnswer | undefined>;

/** What is shown may be so old. */
const FRESH_MS = 5000;

let askWhole: AskWhole | undefined;
let latest: { readonly stats: HubStats; readonly at: number } | undefined;

/** @internal For `shardhub serve --processes`. */
export function tellOfAll(ask: AskWhole): void {
  askWhole = ask;
}

/** Undefined for a hub without a supervisor. */
export function answerForAll(path: string): Promise<WholeAnswer | undefined> | undefined {
  return askWhole?.(path);
}

/** The statistics of all, as of the last time that this was asked, or undefined. */
export function latestOfAll(): HubStats | undefined {
  void answerForAll('/stats')?.then((answer) => {
    if (answer?.status === 200) latest = { stats: JSON.parse(answer.body), at: performance.now() };
  });
  return latest !== undefined && performance.now() - latest.at < FRESH_MS ? latest.stats : undefined;
}
