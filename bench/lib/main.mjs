/** How a command of the benchmarks begins and ends. */
import { BenchAbort } from './errors.mjs';
import { readOptions, UsageError } from './options.mjs';
import { warnOfLoad } from './screen.mjs';

/**
 * Runs a command and sets the exit code: what `run` returns, 1 when the benchmark aborted, 2 for wrong usage.
 *
 * @param {object} defaults of the options
 * @param {(options: object) => Promise<number>} run
 */
export async function main(defaults, run) {
  try {
    const options = readOptions(process.argv.slice(2), defaults);
    if (options.help !== undefined) {
      console.log(options.help);
      return;
    }
    // Leaves as usual: what was made for the run is removed.
    process.once('SIGINT', () => process.exit(130));
    warnOfLoad();
    process.exitCode = await run(options);
  } catch (error) {
    if (!(error instanceof BenchAbort || error instanceof UsageError)) throw error;
    console.error(error.message);
    // At once: whatever was under way is of no use any more.
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}
