/**
 * Keeps the process from running out of file descriptors by connections. Where there is none for the next connection the
 * engine asks for it again and again, which takes a whole core, and nothing else of the process can open a file or start
 * a thread. So the hub stops to listen when few are left, and listens again when there is room. I/O thread.
 */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';

/** So long a core may be taken, when connections come faster than that. */
const LOOK_INTERVAL_MS = 500;
/** What is left for everything else: a worker's thread takes about 8, an open file 1. At most an eighth of the limit. */
const MAX_RESERVE = 32;

/** What takes connections. */
export interface Listening {
  pauseListening(): void;
  /** Rejects when it cannot. */
  resumeListening(): Promise<void>;
}

export class Descriptors {
  readonly #counters: Counters;
  readonly #log: Log;
  readonly #listening: () => Listening | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #limit = readLimit();
  readonly #reserve = Math.min(MAX_RESERVE, Math.floor(this.#limit / 8));
  #isExhausted = false;
  #isResuming = false;
  /** True once it could not listen again. */
  #isLate = false;

  constructor(counters: Counters, log: Log, listening: () => Listening | undefined) {
    this.#counters = counters;
    this.#log = log;
    this.#listening = listening;
  }

  /** True while the hub does not listen because of this. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** @param maxConnections the option; 0 is no limit */
  start(maxConnections: number): void {
    this.#compare(maxConnections);
    this.#timer = setInterval(this.#look, LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #compare(maxConnections: number): void {
    const limit = this.#limit;
    if (limit === Number.POSITIVE_INFINITY) return;
    const room = Math.max(0, limit - this.#reserve - countOpen());
    const details = { maxConnections, room, limit };
    const message = `file descriptors (ulimit -n ${limit}) allow for about ${room} connections`;
    if (maxConnections > room) this.#log.warn(details, `maxConnections is ${maxConnections}, but ${message}`);
    else if (maxConnections === 0) this.#log.info(details, message);
  }

  readonly #look = (): void => {
    // What was short needs twice the room: a single connection must not turn it on and off.
    const isExhausted = !hasSpaceFor(this.#isExhausted ? 2 * this.#reserve : this.#reserve);
    if (isExhausted === this.#isExhausted || this.#isResuming) return;
    const details = { limit: this.#limit };
    if (isExhausted) {
      this.#listening()?.pauseListening();
      this.#counters.listenPauses++;
      this.#log.error(
        details,
        'file descriptors run out (ulimit -n): the hub takes no connection until some are free',
      );
      // No listener and perhaps no connection: the process has this to wait for.
      this.#timer?.ref();
      this.#isExhausted = true;
    } else void this.#resume(details);
  };

  async #resume(details: object): Promise<void> {
    this.#isResuming = true;
    try {
      await this.#listening()?.resumeListening();
      this.#isExhausted = this.#isLate = false;
      this.#log.warn(details, 'file descriptors are free again: the hub takes connections');
      this.#timer?.unref();
    } catch (error) {
      if (!this.#isLate) this.#log.error({ err: error }, 'the hub cannot listen again: it goes on trying');
      this.#isLate = true;
    } finally {
      this.#isResuming = false;
    }
  }
}

/** Whether so many more can be opened: by opening them, which takes about 1 µs each. */
function hasSpaceFor(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Where there is no such file nothing is known.
    return code !== 'EMFILE' && code !== 'ENFILE';
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** How many the process may have open (Node.js has raised that as far as it may). Where it is not Linux: not known. */
function readLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return Number(limit ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function countOpen(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
