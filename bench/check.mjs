/** `npm run bench:check`: short measurements against the targets; exit code 1 when one is missed. */
import { FIGURES, formatFigure } from './lib/figures.mjs';
import { main } from './lib/main.mjs';
import { writeResults } from './lib/report.mjs';
import { runBench } from './lib/runner.mjs';
import { showEvent, showTable } from './lib/screen.mjs';
import { SERVERS } from './servers.mjs';
import { judge, TARGETS } from './targets.mjs';

const DEFAULTS = { rounds: '3', seconds: '2', warmup: '0.7' };

/** Only what a target is about, or was asked for by name. */
function withTargetServers(row) {
  const targets = TARGETS.filter((target) => target.row === row.id);
  const wanted = new Set(targets.flatMap(({ server, against }) => [server, against]));
  return { ...row, servers: row.servers.filter((name) => wanted.has(name) || SERVERS[name].isAdded) };
}

function describeVerdict({ row, figure, server, against, by, min, max, value, verdict, reason }) {
  const isRatio = against !== undefined && by !== 'difference';
  const format = (amount) => (isRatio ? amount.toFixed(2) : formatFigure(figure, amount));
  const bound = min === undefined ? `≤ ${format(max)}` : `≥ ${format(min)}`;
  const compared = against === undefined ? server : `${server} ${isRatio ? '÷' : '−'} ${against}`;
  return [
    row,
    FIGURES[figure].label,
    compared,
    bound,
    value === null ? '–' : format(value),
    reason ?? verdict,
  ];
}

await main(DEFAULTS, async ({ rows, settings, out, images }) => {
  const results = await runBench(rows.map(withTargetServers), settings, showEvent);
  const verdicts = judge(TARGETS, results.rows);
  const paths = writeResults(results, { out, images });
  showTable(['row', 'figure', 'of', 'target', 'measured', ''], verdicts.map(describeVerdict));
  for (const path of paths) console.log(path);
  const count = (wanted) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  console.log(`${count('met')} targets met, ${count('missed')} missed, ${count('skipped')} skipped`);
  return count('missed') === 0 ? 0 : 1;
});
