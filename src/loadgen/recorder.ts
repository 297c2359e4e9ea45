/** Latencies as an HDR histogram (three significant digits, in µs). The one file that knows hdr-histogram-js. */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from '#vendor/hdr-histogram-js';

/** Latencies in ms. */
export interface LatencySummary {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p97_5: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly max: number;
}

/** Below this many µs each µs has a counter of its own. */
const DIRECT = 65_536;
const DIGITS = 3;
const HOUR_US = 3_600_000_000;

function createHistogram(): Histogram {
  return build({
    bitBucketSize: 64,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HOUR_US,
    numberOfSignificantValueDigits: DIGITS,
  });
}

/**
 * Collects the latencies of one thread. The histogram's own `recordValue` takes logarithms and powers, too much
 * for every message, so what is common is counted per µs and moved over in the end.
 */
export class LatencyRecorder {
  readonly #direct = new Uint32Array(DIRECT);
  #rare = createHistogram();

  // hot: once per message
  record(ms: number): void {
    const us = ms * 1000;
    if (us < DIRECT - 1) this.#direct[us < 1 ? 1 : (us + 0.5) | 0]!++;
    else this.#rare.recordValue(Math.round(us));
  }

  clear(): void {
    this.#direct.fill(0);
    this.#rare = createHistogram();
  }

  /** Everything recorded so far, base64 of the compressed HDR format. */
  encode(): string {
    const all = createHistogram();
    all.add(this.#rare);
    for (let us = 1; us < DIRECT; us++) {
      const count = this.#direct[us]!;
      if (count > 0) all.recordValueWithCount(us, count);
    }
    return encodeIntoCompressedBase64(all);
  }
}

/** One histogram from those of all threads. */
export function mergeHistograms(encoded: readonly string[]): string {
  const merged = createHistogram();
  for (const text of encoded) merged.add(decodeFromCompressedBase64(text, 64));
  return encodeIntoCompressedBase64(merged);
}

export function summarize(encoded: string): LatencySummary {
  const histogram = decodeFromCompressedBase64(encoded, 64);
  if (histogram.totalCount === 0) {
    return { min: 0, mean: 0, p50: 0, p75: 0, p90: 0, p97_5: 0, p99: 0, p99_9: 0, max: 0 };
  }
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    min: histogram.minNonZeroValue / 1000,
    mean: histogram.mean / 1000,
    p50: at(50),
    p75: at(75),
    p90: at(90),
    p97_5: at(97.5),
    p99: at(99),
    p99_9: at(99.9),
    max: histogram.maxValue / 1000,
  };
}
