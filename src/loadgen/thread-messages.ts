/** What the threads of a load run and the one that started them tell each other. */
import type { LoadErrors } from './findings.js';
import type { ResolvedLoadOptions } from './options.js';

/** What a thread is started with: the run, and its share of the connections. */
export interface ThreadTask {
  readonly options: ResolvedLoadOptions;
  readonly firstId: number;
  readonly connections: number;
}

/** To a thread. Every connection of the run is open: begin at this time (ms since 1970); or end now. */
export type ThreadOrder = { readonly startAt: number } | { readonly stop: true };

/** The parts of a run, in their order. */
export type LoadPhase = 'open' | 'warmup' | 'measure' | 'drain';

export interface ThreadProgress {
  readonly phase: LoadPhase;
  readonly opened: number;
  /** Of the measured part. */
  readonly messages: number;
  readonly elapsedMs: number;
}

/** What a thread did. All figures but the errors are those of the measured part. */
export interface ThreadReport {
  readonly messages: number;
  readonly seconds: number;
  readonly histogram: string;
  readonly sends: number;
  readonly lateSends: number;
  /** Of the whole process, in seconds: Node.js 20 does not tell the CPU time of a thread. */
  readonly cpuSeconds: number;
  /** Share of the time in which its event loop had something to do, 0 to 1. */
  readonly utilisation: number;
  readonly errors: LoadErrors;
  readonly firstError?: string;
}

/** From a thread. `opened`: all its connections are open. `broken`: it cannot go on; its report follows. */
export type ThreadNote =
  | { readonly kind: 'opened' }
  | { readonly kind: 'progress'; readonly progress: ThreadProgress }
  | { readonly kind: 'broken' }
  | { readonly kind: 'done'; readonly report: ThreadReport };
