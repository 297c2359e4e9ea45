/** What the command line writes to stderr, and how it ends when it cannot run. */

/** A text without line breaks: every complaint of the command line is one line. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}

let name = 'shardhub';

/** What lines of this process begin with. */
export function nameProcess(text: string): void {
  name = text;
}

export function warn(text: string): void {
  process.stderr.write(`${name}: ${oneLine(text)}\n`);
}

/** What a process says last is waited for so long: it may be that nobody reads it. */
const LAST_WORDS_MS = 1000;

/** Exit code 1, with what went wrong as one line and without a stack trace. */
export function exitWithFailure(thrown: unknown): void {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  // The exit waits for the write: stderr may be a pipe that is written asynchronously (Windows).
  process.stderr.write(`${name}: ${oneLine(text)}\n`, () => process.exit(1));
  setTimeout(() => process.exit(1), LAST_WORDS_MS);
}

/** Nothing is left to do but to complain. */
export function exitAfterComplaint(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LAST_WORDS_MS).unref();
}

/**
 * Writes to stdout. A reader that went away has seen what it wanted.
 *
 * @throws Error that says why it could not be written
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
      if (error && code !== 'EPIPE') reject(new Error(`stdout: ${message}`));
      else resolve();
    });
  });
}

/** A reader that went away (`shardhub serve | head -1`) is no reason to stop serving. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
