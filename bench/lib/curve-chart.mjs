/** The points of a curve as a chart: a line for each server, both axes logarithmic. */
import { CHART_STYLE } from './chart.mjs';
import { FIGURES } from './figures.mjs';
import { escapeHtml } from './html.mjs';

const WIDTH = 760;
const HEIGHT = 420;
const BOX = { left: 90, right: 20, top: 76, bottom: 46 };
const COLORS = ['#8a94a0', '#2f6feb', '#d4762c', '#3f9c5a', '#a05cc8'];

/** Rows of results, put together: those of a curve as one list, any other by itself. @returns {object[][]} */
export function groupCurves(rows) {
  const groups = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (row.sweep !== undefined && last?.[0].sweep?.id === row.sweep.id) last.push(row);
    else groups.push([row]);
  }
  for (const group of groups) group.sort((a, b) => a.sweep?.x - b.sweep?.x);
  return groups;
}

/** @param {object[]} rows of one curve @returns {string} an SVG document that needs nothing else */
export function drawCurve(rows) {
  const [{ figure, sweep }] = rows;
  const lines = linesOf(rows);
  const xs = rows.map((row) => row.sweep.x);
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const x = scale(Math.min(...xs), Math.max(...xs), BOX.left, WIDTH - BOX.right);
  const y = scale(Math.min(...values), Math.max(...values), HEIGHT - BOX.bottom, BOX.top);
  const { unit } = FIGURES[figure];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escapeHtml(sweep.title)}</title><style>${CHART_STYLE}
  .chart .grid { stroke: #8884; } .chart .line { fill: none; stroke-width: 2; } .chart .tick { font-size: 11px; }
</style>
<text class="title" x="0" y="16">${escapeHtml(`${sweep.title}: ${unit} over ${sweep.axis}`)}</text>
<text class="aside" x="0" y="35">medians; both axes logarithmic</text>
${ticks(values)
  .map((value) => gridLine(value, y(value)))
  .join('\n')}
${xs.map((value, index) => tickOf(value, x(value), index)).join('\n')}
<text class="aside" x="${BOX.left}" y="${HEIGHT - 4}">${escapeHtml(sweep.axis)}</text>
${lines.map((line, index) => drawLine(line, COLORS[index % COLORS.length], index, x, y)).join('\n')}
</svg>
`;
}

/** What each server reached where it was measured. */
function linesOf(rows) {
  const names = [...new Set(rows.flatMap(({ servers }) => servers.map(({ name }) => name)))];
  return names.map((name) => {
    const found = rows.map((row) => [row, row.servers.find((server) => server.name === name)]);
    const measured = found.filter(([row, server]) => server?.summary[row.figure]);
    return {
      title: measured[0]?.[1].title ?? name,
      points: measured.map(([row, server]) => [row.sweep.x, server.summary[row.figure].median]),
    };
  });
}

function scale(min, max, from, to) {
  const [low, span] = [Math.log(min), Math.log(max) - Math.log(min) || 1];
  return (value) => from + ((Math.log(value) - low) / span) * (to - from);
}

/** Powers of ten, and twice and five times as much, within the values. */
function ticks(values) {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const first = Math.floor(Math.log10(min));
  return Array.from({ length: Math.ceil(Math.log10(max)) - first + 1 }, (_, i) => 10 ** (first + i))
    .flatMap((power) => [power, 2 * power, 5 * power])
    .filter((value) => value >= min && value <= max);
}

const short = (value) =>
  value >= 1e6
    ? `${Number((value / 1e6).toPrecision(2))}M`
    : value >= 10_000
      ? `${Math.round(value / 1000)}k`
      : String(value);

function gridLine(value, y) {
  const at = y.toFixed(1);
  return `<line class="grid" x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${at}" y2="${at}"/><text class="tick" text-anchor="end" x="${BOX.left - 8}" y="${(y + 4).toFixed(1)}">${short(value)}</text>`;
}

/** Two rows of labels, as neighbours may be close. */
function tickOf(value, x, index) {
  const y = HEIGHT - BOX.bottom + (index % 2 === 0 ? 14 : 27);
  return `<text class="tick" text-anchor="middle" x="${x.toFixed(1)}" y="${y}">${short(value)}</text>`;
}

function drawLine({ title, points }, color, index, x, y) {
  const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const left = BOX.left + index * 220;
  return [
    `<polyline class="line" stroke="${color}" points="${path}"/>`,
    ...points.map(
      ([at, value]) =>
        `<circle fill="${color}" r="2.5" cx="${x(at).toFixed(1)}" cy="${y(value).toFixed(1)}"/>`,
    ),
    `<rect fill="${color}" x="${left}" y="48" width="18" height="4"/><text x="${left + 24}" y="55">${escapeHtml(title)}</text>`,
  ].join('');
}
