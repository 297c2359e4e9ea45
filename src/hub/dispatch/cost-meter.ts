/** Learns what a record costs a worker, from how many finish between two looks while it is busy. */

/** How much a new measurement weighs. */
const WEIGHT = 0.2;

export class CostMeter {
  #finished = 0;
  #measuredAt = 0;
  #wasBusy = false;
  #costMs = 0.001;

  /** Records have finished. hot */
  count(records: number): void {
    this.#finished += records;
  }

  /**
   * Looks.
   *
   * @param isBusy more records are in flight
   * @returns ms per record, when there is something new
   */
  measure(isBusy: boolean): number | undefined {
    const finished = this.#finished;
    if (finished === 0) return undefined;
    const now = performance.now();
    const wasBusy = this.#wasBusy;
    const passedMs = now - this.#measuredAt;
    this.#finished = 0;
    this.#measuredAt = now;
    this.#wasBusy = isBusy;
    if (!wasBusy) return undefined;
    this.#costMs += (passedMs / finished - this.#costMs) * WEIGHT;
    return this.#costMs;
  }
}
