/** When a message was sent, or when it was due: what its latency counts from. In ms of the thread's clock. */

export interface SendTimes {
  /** Notes that `count` messages from `first` are sent now. */
  mark(first: number, count: number, now: number): void;
  of(number: number): number;
}

/** Closed loop: the times of the messages in flight. */
export class SentTimes implements SendTimes {
  readonly #times: Float64Array;
  readonly #mask: number;

  constructor(inFlight: number) {
    const length = 2 ** Math.ceil(Math.log2(inFlight));
    this.#times = new Float64Array(length);
    this.#mask = length - 1;
  }

  mark(first: number, count: number, now: number): void {
    for (let number = first; number < first + count; number++) this.#times[number & this.#mask] = now;
  }

  of(number: number): number {
    return this.#times[number & this.#mask]!;
  }
}

/** Open loop: message n of connection c is due as the (n × connections + c)th of all. */
export class DueTimes implements SendTimes {
  readonly #firstAt: number;
  readonly #intervalMs: number;

  /** @param firstAt when the connection's message 0 is due; then one in every `intervalMs` */
  constructor(firstAt: number, intervalMs: number) {
    this.#firstAt = firstAt;
    this.#intervalMs = intervalMs;
  }

  mark(): void {}

  of(number: number): number {
    return this.#firstAt + number * this.#intervalMs;
  }

  /** How many messages are due by `now`. */
  dueBy(now: number): number {
    return now < this.#firstAt ? 0 : Math.floor((now - this.#firstAt) / this.#intervalMs) + 1;
  }
}
