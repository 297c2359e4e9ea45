/**
 * The metrics of several processes as one page. What counts something is summed up, and goes on counting when a process is
 * gone; what is about one process, shard or thread has the label `process` and is left as it is. Pure.
 */

interface Family {
  /** The lines before its samples. */
  readonly head: string;
  readonly isCounted: boolean;
  readonly samples: Map<string, number>;
}

type Page = Map<string, Family>;

/** Sums of these would say nothing. */
const OWN = /^(process_|shardhub_(build_info|draining|broker_up|cluster_nodes)$)/;
const OWN_LABELS = /(^|,)(shard|thread)="/;

export class MetricsSum {
  /** The last page of each process, by anything that tells them apart. */
  readonly #pages = new Map<object, { readonly index: number; readonly page: Page }>();
  /** Of processes that are gone. */
  readonly #gone: Page = new Map();

  /** @param index the process's number */
  take(source: object, index: number, text: string): void {
    this.#pages.set(source, { index, page: parse(text) });
  }

  /** It is gone: what it has counted stays. */
  retire(source: object): void {
    const last = this.#pages.get(source);
    this.#pages.delete(source);
    for (const [name, family] of last?.page ?? [])
      if (family.isCounted && !OWN.test(name))
        for (const [labels, value] of family.samples)
          if (!isOwn(labels)) add(this.#gone, name, family, labels, value);
  }

  /** As Prometheus reads it. */
  render(): string {
    const whole: Page = new Map();
    // One that drains has the number of the one that has taken its place.
    const latest = new Map([...this.#pages.values()].map(({ index, page }) => [index, page]));
    for (const { index, page } of this.#pages.values())
      for (const [name, family] of page)
        for (const [sample, value] of family.samples)
          if (!OWN.test(name) && !isOwn(sample)) add(whole, name, family, sample, value);
          else if (latest.get(index) === page) add(whole, name, family, withProcess(sample, index), value);
    for (const [name, family] of this.#gone)
      for (const [sample, value] of family.samples) add(whole, name, family, sample, value);
    return [...whole.values()]
      .map(
        ({ head, samples }) => head + [...samples].map(([sample, value]) => `${sample} ${value}\n`).join(''),
      )
      .join('');
  }
}

function parse(text: string): Page {
  const page: Page = new Map();
  let head = '';
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    const [, kind, name, type] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') head = `${line}\n`;
    if (kind === 'TYPE') {
      family = { head: `${head}${line}\n`, isCounted: type !== 'gauge', samples: new Map() };
      page.set(name!, family);
    }
    const at = line.lastIndexOf(' ');
    if (kind === undefined && at > 0) family?.samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return page;
}

function add(to: Page, name: string, { head, isCounted }: Family, sample: string, value: number): void {
  let family = to.get(name);
  if (family === undefined) to.set(name, (family = { head, isCounted, samples: new Map() }));
  family.samples.set(sample, (family.samples.get(sample) ?? 0) + value);
}

function isOwn(sample: string): boolean {
  return OWN_LABELS.test(labelsOf(sample));
}

function labelsOf(sample: string): string {
  return /\{(.*)\}$/.exec(sample)?.[1] ?? '';
}

function withProcess(sample: string, index: number): string {
  const [name] = sample.split('{', 1);
  const labels = labelsOf(sample);
  return `${name}{process="${index}"${labels === '' ? '' : `,${labels}`}}`;
}
