/**
 * One chart: a title, the latest values as text, and their course, drawn by uPlot. The text is what a screen reader
 * gets; under the pointer it tells the values there.
 */
import { create } from './dom.js';
import UPlot from './uplot.js';

const HEIGHT = 110;
const COLOURS = 8;
/** Seconds that a chart takes up at least. */
const SHORTEST_SPAN = 15;

/** Every chart of the page: their colours follow the colour scheme. */
const plots = new Set();
let styles = getComputedStyle(document.documentElement);
for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)']) {
  matchMedia(query).addEventListener('change', () => {
    styles = getComputedStyle(document.documentElement);
    for (const plot of plots) plot.redraw();
  });
}

const colour = (name) => styles.getPropertyValue(`--${name}`).trim();

export class Plot {
  #options;
  #chart;
  #observer;
  #data;
  #values = [];
  element = create('figure', 'chart');

  /**
   * @param options `name`, `title`; `format` turns a value into text; `series` is a list of `{ name, label }`;
   *   `points` is how many are shown, `span` the seconds that they take up at most, `top` (1) what the scale reaches at least
   */
  constructor(options) {
    this.#options = options;
    const { name, title, series } = options;
    this.element.dataset.chart = name;
    const caption = create('figcaption', '', title);
    const legend = create('dl', 'legend');
    for (const [i, { name: key, label }] of series.entries()) {
      const value = create('dd', '', '–');
      value.dataset.series = key;
      this.#values.push(value);
      const term = create('dt', '', label);
      term.dataset.colour = String((i % COLOURS) + 1);
      const pair = create('div', '');
      pair.append(term, value);
      legend.append(pair);
    }
    const canvas = create('div', 'plot');
    canvas.setAttribute('aria-hidden', 'true');
    this.element.append(caption, legend, canvas);
    this.clear();
    this.#chart = new UPlot(this.#chartOptions(), this.#data, canvas);
    this.#observer = new ResizeObserver(([{ contentRect }]) => {
      const width = Math.floor(contentRect.width);
      if (width > 0) this.#chart.setSize({ width, height: HEIGHT });
    });
    this.#observer.observe(canvas);
    plots.add(this);
  }

  /** Adds a point: seconds, and one value or null for each series. */
  push(time, values) {
    const [times, ...columns] = this.#data;
    times.push(time);
    for (const [i, column] of columns.entries()) column.push(values[i] ?? null);
    if (times.length > this.#options.points) for (const column of this.#data) column.shift();
    this.#show(times.length - 1);
    for (const [i, element] of this.#values.entries()) element.dataset.value = String(values[i] ?? '');
    this.#chart.setData(this.#data);
  }

  clear() {
    this.#data = [[], ...this.#options.series.map(() => [])];
    this.#chart?.setData(this.#data);
  }

  redraw() {
    this.#chart.redraw(false);
  }

  destroy() {
    plots.delete(this);
    this.#observer.disconnect();
    this.#chart.destroy();
    this.element.remove();
  }

  #show(index) {
    const { format } = this.#options;
    for (const [i, element] of this.#values.entries()) {
      const value = this.#data[i + 1][index] ?? null;
      element.textContent = value === null ? '–' : format(value);
    }
  }

  #chartOptions() {
    const { series, format, span, top = 1 } = this.#options;
    const axis = {
      stroke: () => colour('muted'),
      grid: { stroke: () => colour('line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    return {
      width: 260,
      height: HEIGHT,
      padding: [6, 26, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 5 } },
      hooks: { setCursor: [({ cursor }) => this.#show(cursor.idx ?? this.#data[0].length - 1)] },
      scales: {
        // It grows with what there is to show.
        x: {
          time: true,
          range: (_, min, max) => [Math.max(max - span, Math.min(min, max - SHORTEST_SPAN)), max],
        },
        y: { range: (_, _min, max) => [0, Math.max(max * 1.15, top)] },
      },
      axes: [
        { ...axis, size: 22, space: 70, values: '{HH}:{mm}:{ss}' },
        { ...axis, size: 62, space: 28, values: (_, values) => values.map((value) => format(value)) },
      ],
      series: [
        {},
        ...series.map(({ label }, i) => ({
          label,
          stroke: () => colour(`chart-${(i % COLOURS) + 1}`),
          width: 1.5,
          // Told apart without colours too.
          dash: i % 2 === 1 ? [6, 3] : undefined,
          spanGaps: true,
          points: { show: false },
        })),
      ],
    };
  }
}
