/** `npm run bench`: measures, and writes results and a report. `--help` tells the options. */
import { main } from './lib/main.mjs';
import { writeResults } from './lib/report.mjs';
import { runBench } from './lib/runner.mjs';
import { showEvent, showRows } from './lib/screen.mjs';

await main({}, async ({ rows, settings, out, images }) => {
  const results = await runBench(rows, settings, showEvent);
  const paths = writeResults(results, { out, images });
  showRows(results.rows);
  for (const path of paths) console.log(path);
  return 0;
});
