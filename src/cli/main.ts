#!/usr/bin/env node
/**
 * The `shardhub` binary: exit code 0 after a drained stop, 1 when it cannot run, 2 for wrong usage.
 *
 * The stop signals are watched before anything else is loaded, so that one that arrives during the start
 * ends the process as cleanly as a later one.
 */
import { exitAfterComplaint, exitWithFailure, ignoreBrokenPipes } from './terminal/output.js';
import { watchStopSignals } from './terminal/stop.js';

ignoreBrokenPipes();
watchStopSignals();

try {
  const { run, WRONG_USAGE } = await import('./program.js');
  const code = await run(process.argv, process.env);
  if (code === WRONG_USAGE) exitAfterComplaint(code);
  else process.exitCode = code;
} catch (error) {
  exitWithFailure(error);
}
