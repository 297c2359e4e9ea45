/** What a thread does in the measured part of a run, from its beginning to its end. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import { cpuUsage } from 'node:process';

/** What is counted all the time; the measured part is the difference. */
export interface Counts {
  readonly messages: number;
  readonly sends: number;
  readonly lateSends: number;
  /** Turns of the event loop in which there was nothing to do, in ms. */
  readonly idleTurnsMs: number;
}

export interface Measured {
  readonly messages: number;
  readonly seconds: number;
  readonly sends: number;
  readonly lateSends: number;
  readonly cpuSeconds: number;
  readonly utilisation: number;
}

interface Sample {
  readonly at: number;
  readonly counts: Counts;
  readonly cpuUs: number;
  readonly loop: EventLoopUtilization;
}

export class Meter {
  readonly #count: () => Counts;
  #begin: Sample | undefined;
  #end: Sample | undefined;

  constructor(count: () => Counts) {
    this.#count = count;
  }

  begin(): void {
    this.#begin = this.#sample();
  }

  end(): void {
    this.#end = this.#sample();
  }

  /** From the beginning to the end, or to now. */
  read(): Measured {
    const from = this.#begin;
    if (from === undefined) {
      return { messages: 0, seconds: 0, sends: 0, lateSends: 0, cpuSeconds: 0, utilisation: 0 };
    }
    const to = this.#end ?? this.#sample();
    const loop = performance.eventLoopUtilization(to.loop, from.loop);
    const busyMs = Math.max(0, loop.active - (to.counts.idleTurnsMs - from.counts.idleTurnsMs));
    return {
      messages: to.counts.messages - from.counts.messages,
      seconds: (to.at - from.at) / 1000,
      sends: to.counts.sends - from.counts.sends,
      lateSends: to.counts.lateSends - from.counts.lateSends,
      cpuSeconds: (to.cpuUs - from.cpuUs) / 1e6,
      utilisation: to.at > from.at ? Math.min(1, busyMs / (to.at - from.at)) : 0,
    };
  }

  #sample(): Sample {
    const { user, system } = cpuUsage();
    return {
      at: performance.now(),
      counts: this.#count(),
      cpuUs: user + system,
      loop: performance.eventLoopUtilization(),
    };
  }
}
