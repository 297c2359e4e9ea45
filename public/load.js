/** The form of the small load, its results and its chart. */
import { byId, onSubmit, setError } from './dom.js';
import { parseAddress } from './encodings.js';
import { count, formatLatency } from './format.js';
import { LoadRun } from './load-run.js';
import { Plot } from './plot.js';

/** Bounds of the fields: what a page can do without freezing, and browsers open no more than 255 WebSockets. */
const FIELDS = {
  connections: { min: 1, max: 200, name: 'Connections' },
  rate: { min: 0, max: 20_000, name: 'Rate' },
  seconds: { min: 1, max: 60, name: 'Seconds' },
  size: { min: 1, max: 65_536, name: 'Bytes' },
};

const POINTS = 121;
const SPAN = 60;

export class Load {
  #run;
  #plot;

  constructor() {
    onSubmit('load-form', () => (this.#run === undefined ? this.#start() : this.#run.stop()));
  }

  async #start() {
    const settings = this.#readFields();
    if (settings === undefined) return;
    this.#plot ??= this.#makePlot();
    this.#plot.clear();
    const run = new LoadRun(settings, (recent) => this.#show(run, recent));
    this.#run = run;
    this.#showState('running', 'Running…');
    let how = '';
    try {
      how = await run.run();
    } catch (error) {
      how = `The browser refuses: ${error.message}`;
    }
    this.#run = undefined;
    this.#showState('done', how);
  }

  /** The settings, or undefined after saying what is wrong. */
  #readFields() {
    const settings = {};
    for (const [key, { min, max, name }] of Object.entries(FIELDS)) {
      const typed = byId(`load-${key}`).value.trim();
      const value = Number(typed);
      const isValid = /^\d+$/.test(typed) && value >= min && value <= max;
      setError(`load-${key}`, isValid ? '' : `${name}: a whole number from ${count(min)} to ${count(max)}.`);
      if (!isValid) return undefined;
      settings[key] = value;
    }
    try {
      settings.address = parseAddress(byId('url').value);
      setError('url', '');
      return settings;
    } catch (error) {
      setError('url', error.message);
      byId('url').focus();
      return undefined;
    }
  }

  #makePlot() {
    const plot = new Plot({
      name: 'load',
      title: 'Answer time, as this page sees it (half seconds)',
      format: formatLatency,
      series: [
        { name: 'p50', label: 'p50' },
        { name: 'p99', label: 'p99' },
      ],
      points: POINTS,
      span: SPAN,
    });
    byId('load-chart').append(plot.element);
    return plot;
  }

  #showState(state, text) {
    byId('load-state').textContent = text;
    byId('load-state').dataset.state = state;
    byId('load-start').textContent = state === 'running' ? 'Stop' : 'Start';
    byId('load-start').classList.toggle('primary', state !== 'running');
  }

  #show(run, { p50, p99 }) {
    this.#plot.push(Date.now() / 1000, [p50, p99]);
    const { counts, latency } = run;
    const values = {
      ...Object.fromEntries(Object.entries(counts).map(([key, value]) => [key, count(value)])),
      p50: latency.p50 === undefined ? '–' : formatLatency(latency.p50),
      p99: latency.p99 === undefined ? '–' : formatLatency(latency.p99),
      max: counts.answered === 0 ? '–' : formatLatency(latency.max),
    };
    byId('load-results').hidden = false;
    for (const cell of document.querySelectorAll('#load-results [data-load]')) {
      cell.textContent = values[cell.dataset.load];
    }
  }
}
