/** One row of the results as a chart: a bar for each server's median, a line from the least to the most of its rounds. */
import { FIGURES, formatFigure } from './figures.mjs';
import { escapeHtml } from './html.mjs';

const WIDTH = 760;
const LABEL_WIDTH = 260;
const VALUE_WIDTH = 130;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
const TOP = 48;
const LINE_HEIGHT = 30;
const BAR_HEIGHT = 16;

/** Both schemes: as an image the chart sits on a page that it knows nothing of. */
export const CHART_STYLE = `
  .chart { font: 13px system-ui, sans-serif; }
  .chart text { fill: #24292f; } .chart .title { font-size: 14px; font-weight: 600; } .chart .aside { fill: #57606a; }
  .chart .bar { fill: #9aa4b0; } .chart .own { fill: #2f6feb; } .chart .range { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .chart text { fill: #e6edf3; } .chart .aside { fill: #9da7b3; }
    .chart .bar { fill: #59636f; } .chart .own { fill: #4c8dff; } .chart .range { stroke: #e6edf3; }
  }`;

/** @returns {string} an SVG document that needs nothing else */
export function drawChart(row) {
  const { lessIsBetter, unit } = FIGURES[row.figure];
  const servers = row.servers.filter(({ summary }) => summary[row.figure]);
  const most = Math.max(...servers.map(({ summary }) => summary[row.figure].max), 0);
  const scale = most > 0 ? BAR_WIDTH / most : 0;
  const height = TOP + servers.length * LINE_HEIGHT + 6;
  const rounds = row.servers[0]?.rounds.length ?? 0;
  const spread = rounds > 1 ? `median, and the range of ${rounds} rounds` : 'one round';
  const aside = `${unit}, ${lessIsBetter ? 'less' : 'more'} is better; ${spread}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escapeHtml(row.title)}</title><style>${CHART_STYLE}
</style>
<text class="title" x="0" y="16">${escapeHtml(row.title)}</text>
<text class="aside" x="0" y="35">${escapeHtml(aside)}</text>
${servers.map((server, index) => drawBar(row.figure, server, index, scale)).join('\n')}
</svg>
`;
}

function drawBar(figure, { name, title, summary }, index, scale) {
  const { median, min, max } = summary[figure];
  const y = TOP + index * LINE_HEIGHT;
  const middle = y + BAR_HEIGHT / 2;
  const at = (value) => (LABEL_WIDTH + Math.max(0, value) * scale).toFixed(1);
  const isOwn = name.includes('shardhub');
  return [
    `<text x="0" y="${middle + 5}">${escapeHtml(title)}</text>`,
    `<rect class="${isOwn ? 'bar own' : 'bar'}" x="${LABEL_WIDTH}" y="${y}" width="${(Math.max(0, median) * scale).toFixed(1)}" height="${BAR_HEIGHT}"/>`,
    `<line class="range" x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${LABEL_WIDTH + BAR_WIDTH + 10}" y="${middle + 5}">${escapeHtml(formatFigure(figure, median))}</text>`,
  ].join('');
}
