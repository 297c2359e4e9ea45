/** A histogram with fixed bounds, over memory that another thread may read. One thread writes. */

/** Bounds of what is measured in seconds: from 5 µs, which a cheap hook takes, to the longest time that one is given. */
export const SECONDS: readonly number[] = [
  5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
  5, 10, 30,
];

export class Histogram {
  /** Upper bounds, included; above the last one there is one bucket more. */
  readonly bounds: readonly number[];
  /** The sum of all values, then the number of values in each bucket. */
  readonly #cells: Float64Array<ArrayBuffer | SharedArrayBuffer>;

  constructor(
    bounds: readonly number[],
    cells: Float64Array<ArrayBuffer | SharedArrayBuffer> = new Float64Array(cellsOf(bounds)),
  ) {
    this.bounds = bounds;
    this.#cells = cells;
  }

  /** @param weight how many values this one stands for. hot */
  observe(value: number, weight = 1): void {
    const { bounds } = this;
    const cells = this.#cells;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    cells[0]! += value * weight;
    cells[i + 1]! += weight;
  }

  get sum(): number {
    return this.#cells[0]!;
  }

  /** Values in each bucket, the last one being above all bounds. */
  get counts(): number[] {
    return [...this.#cells.subarray(1)];
  }
}

/** Numbers that a histogram keeps. */
export function cellsOf(bounds: readonly number[]): number {
  return bounds.length + 2;
}
