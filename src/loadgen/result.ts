/** The result of a run, from the reports of its threads. */
import { type LoadErrors, sumErrors } from './findings.js';
import type { ResolvedLoadOptions } from './options.js';
import { type LatencySummary, mergeHistograms, summarize } from './recorder.js';
import type { ThreadReport } from './thread-messages.js';

/** Above this share of its time, a thread has none left to generate more load. */
const BUSY = 0.9;
/** Above this share of late sends, the load is not the one that was asked for. */
const LATE = 0.01;

/** What a load run measured. All figures but the errors are those of the measured part. */
export interface LoadResult {
  /** Echoes that came. */
  readonly messages: number;
  /** Length of the measured part. */
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Payload of the echoes, so one direction. */
  readonly bytesPerSecond: number;
  /**
   * From the send of a message to its echo, in ms; with a rate: from the time at which it was due. Messages
   * of the measured part whose echo comes after its end are in it, those that came out of order are not.
   */
  readonly latencyMs: LatencySummary;
  /** Of the whole run. */
  readonly errors: LoadErrors;
  /** What went wrong first. */
  readonly firstError?: string;
  readonly cpu: {
    /** CPU time of the whole process, in seconds. */
    readonly seconds: number;
    /** Share of the time in which the event loops of the threads had something to do: their mean, 0 to 1. */
    readonly utilisation: number;
  };
  /** True if the load generator, not the server, set the figures. */
  readonly isBottleneck: boolean;
  readonly bottleneckReason?: string;
  readonly connections: number;
  readonly inFlight: number;
  readonly size: number;
  readonly rate?: number;
  /** Open loop: messages that left more than 1 ms after they were due. */
  readonly lateSends: number;
  /** Latencies in µs: base64 of the compressed HDR format, to be merged or plotted. */
  readonly histogram: string;
}

export function createResult(options: ResolvedLoadOptions, reports: readonly ThreadReport[]): LoadResult {
  const { connections, inFlight, size, rate } = options;
  const messages = sum(reports.map((report) => report.messages));
  const seconds = Math.max(...reports.map((report) => report.seconds));
  const perSecond = seconds > 0 ? messages / seconds : 0;
  const histogram = mergeHistograms(reports.map((report) => report.histogram));
  const firstError = reports.find((report) => report.firstError !== undefined)?.firstError;
  const bottleneckReason = findBottleneck(reports);
  return {
    messages,
    seconds,
    messagesPerSecond: perSecond,
    bytesPerSecond: perSecond * size,
    latencyMs: summarize(histogram),
    errors: sumErrors(reports.map((report) => report.errors)),
    ...(firstError === undefined ? {} : { firstError }),
    cpu: {
      seconds: Math.max(...reports.map((report) => report.cpuSeconds)),
      utilisation: sum(reports.map((report) => report.utilisation)) / reports.length,
    },
    isBottleneck: bottleneckReason !== undefined,
    ...(bottleneckReason === undefined ? {} : { bottleneckReason }),
    connections,
    inFlight,
    size,
    ...(rate === undefined ? {} : { rate }),
    lateSends: sum(reports.map((report) => report.lateSends)),
    histogram,
  };
}

/** Why the load generator set the figures, or undefined if it did not. */
function findBottleneck(reports: readonly ThreadReport[]): string | undefined {
  const busiest = Math.max(...reports.map(({ utilisation }) => utilisation));
  if (busiest > BUSY) return `a thread of the load generator was busy ${percent(busiest)} of the time`;
  const late = sum(reports.map(({ lateSends }) => lateSends)) / sum(reports.map(({ sends }) => sends));
  return late > LATE ? `${percent(late)} of the messages left more than 1 ms late` : undefined;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
