/** Everything the hub counts. Plain numbers, written in place by whoever sees the event; read by `stats()`. */
import {
  DROP_REASONS,
  INVALID_REASONS,
  REJECT_REASONS,
  RESTART_REASONS,
  SHED_REASONS,
} from '../api/reasons.js';
import { Histogram, SECONDS } from '../util/histogram.js';

/** Bytes that a message in flight or in a queue counts beside its own: 270 that it costs, and what V8 has yet to collect. */
export const RECORD_OVERHEAD = 512;
/** Bytes that a further queue with the same message costs. */
export const REFERENCE_OVERHEAD = 16;

/** Seconds that a connection is open. */
const LIFETIMES = [0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 604_800];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
}

export class Counters {
  opened = 0;
  timedOut = 0;
  readonly closed: Record<string, number> = {};
  received = 0;
  receivedBytes = 0;
  sent = 0;
  sentBytes = 0;
  handlerErrors = 0;
  handlerTimeouts = 0;
  /** Connections closed because a bound of the process or of their own was passed. */
  shed = 0;
  workerExits = 0;
  workerRestarts = 0;
  reloads = 0;
  reloadsFailed = 0;
  /** Connections closed because their worker died with a message that had begun. */
  crashed = 0;
  /** Lines of the log that could not be written. */
  logLinesDropped = 0;
  /** Times that the hub stopped to listen because file descriptors ran out. */
  listenPauses = 0;
  /** Times that a connection was not read since too much of it was in flight. */
  readPauses = 0;
  /** Times that the I/O thread looked for replies in a loop (`spin`), and found some. */
  looks = 0;
  lookHits = 0;
  /** Messages published, and how many queues of subscribers they went into. */
  published = 0;
  deliveries = 0;
  pingsSent = 0;
  pongsReceived = 0;
  pingTimeouts = 0;
  roundTripSumMs = 0;
  roundTripMaxMs = 0;
  readonly rejected = zeros(REJECT_REASONS);
  /** Of these, handshakes. */
  readonly rejectedHandshakes = zeros(REJECT_REASONS);
  /** Of `closed`, those that the hub closed. */
  readonly closedByHub: Record<string, number> = {};
  readonly shedFor = zeros(SHED_REASONS);
  readonly restartsFor = zeros(RESTART_REASONS);
  readonly connectionSeconds = new Histogram(LIFETIMES);
  readonly outboundWaitSeconds = new Histogram(SECONDS);
  readonly batchMessages = new Histogram(BATCHES);
  readonly invalid = zeros(INVALID_REASONS);
  readonly dropped = zeros(DROP_REASONS);
  /** Gauges: back at zero when nothing is going on. */
  inFlight = 0;
  inFlightBytes = 0;
  /** Of these, what is left of connections that have been closed for a fault: closing more does not free it. */
  leaving = 0;
  leavingBytes = 0;
  queuedMessages = 0;
  queuedBytes = 0;
  /** What queued messages cost beside their bytes. */
  queuedOverhead = 0;
  /** Bytes in the engine's buffers, as of the last look at each socket. */
  engineBytes = 0;

  /** Bytes in flight of connections that could be closed, with what each message costs beside its own. */
  get inFlightWeight(): number {
    const { inFlightBytes, leavingBytes, inFlight, leaving } = this;
    return inFlightBytes - leavingBytes + (inFlight - leaving) * RECORD_OVERHEAD;
  }

  /** The same for what is left of closed ones. */
  get leavingWeight(): number {
    return this.leavingBytes + this.leaving * RECORD_OVERHEAD;
  }

  /** Bytes of replies that sockets did not take yet, with what each costs beside its own. */
  get outboundWeight(): number {
    return this.queuedBytes + this.engineBytes + this.queuedOverhead;
  }

  countClose(code: number, isByHub: boolean): void {
    this.closed[code] = (this.closed[code] ?? 0) + 1;
    if (isByHub) this.closedByHub[code] = (this.closedByHub[code] ?? 0) + 1;
  }

  /** The engine ended a connection by itself: 1006, and a text that says why. */
  countEngineClose(text: string): void {
    if (/too big/i.test(text)) this.invalid['too-large']++;
    else if (/utf-8/i.test(text)) this.invalid['invalid-utf8']++;
    else if (/timed out/i.test(text)) this.timedOut++;
    else if (/close payload/i.test(text)) this.invalid['close-payload']++;
    else if (/invalid/i.test(text)) this.invalid['protocol-error']++;
  }
}
