/** Metrics as text: the exposition format 0.0.4 of Prometheus. Pure. */
import type { Histogram } from '../util/histogram.js';
import { METRICS, type MetricName } from './metrics-names.js';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A histogram, or several as one. */
export type Counted = Pick<Histogram, 'bounds' | 'counts' | 'sum'>;

export class Exposition {
  readonly #samples = new Map<MetricName, string[]>();

  /** @param labels values, in the order of the metric's labels */
  add(name: MetricName, value: number | undefined, ...labels: (string | number)[]): void {
    if (value !== undefined) this.#push(name, name, labelled(name, labels), value);
  }

  addAll(name: MetricName, values: Readonly<Record<string, number>>): void {
    for (const [label, value] of Object.entries(values)) this.add(name, value, label);
  }

  addHistogram(name: MetricName, { bounds, counts, sum }: Counted, ...labels: (string | number)[]): void {
    const own = labelled(name, labels);
    let total = 0;
    for (const [i, count] of counts.entries()) {
      total += count;
      this.#push(name, `${name}_bucket`, [...own, `le="${bounds[i] ?? '+Inf'}"`], total);
    }
    this.#push(name, `${name}_sum`, own, sum);
    this.#push(name, `${name}_count`, own, total);
  }

  #push(family: MetricName, name: string, labels: string[], value: number): void {
    let samples = this.#samples.get(family);
    if (samples === undefined) this.#samples.set(family, (samples = []));
    samples.push(`${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}`);
  }

  toString(): string {
    let text = '';
    for (const [name, samples] of this.#samples) {
      const [type, help] = METRICS[name];
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('\n')}\n`;
    }
    return text;
  }
}

function labelled(name: MetricName, values: (string | number)[]): string[] {
  const [, , ...labels] = METRICS[name] as readonly [string, string, ...string[]];
  return labels.map((label, i) => `${label}="${escapeLabel(String(values[i]))}"`);
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
