/** `shardhub client` through its real binary. */
import { Command, type CommandOptions, type Outcome, runCommand } from './command-line.js';

/** Runs it to its end. */
export function client(args: string[], options?: CommandOptions): Promise<Outcome> {
  return runCommand(['client', ...args], options);
}

/** Starts it with a pipe to write to. */
export function startClient(args: string[]): Command {
  return new Command(['client', ...args], { input: 'open' });
}
