/** The real binary in a process of its own, as a user runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { engineVariable } from '../engines/under-test.mjs';
import { until } from '../until.js';

export const BINARY = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface CommandOptions {
  /** Added to a clean environment. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** What stdin holds, or `open` for a pipe that a test writes to; nothing by default. */
  readonly input?: string | Uint8Array | 'open';
  /** Descriptors that it writes to; a pipe that is read by default. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** A binary other than the one of this working tree. */
  readonly binary?: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly line: string;
  readonly url: string;
  readonly wsUrl: string;
}

export class Command {
  readonly child: ChildProcess;
  readonly exited: Promise<Outcome>;
  #stdout = '';
  #stderr = '';

  constructor(args: string[], { env, cwd, input, stdout, stderr, binary }: CommandOptions = {}) {
    const [file, first] = binary === undefined ? [process.execPath, [BINARY]] : [binary, []];
    const child = spawn(file, [...first, ...args], {
      cwd,
      // No load balancer looks at /readyz.
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        SHARDHUB_DRAIN_DELAY_MS: '0',
        ...engineVariable,
        ...env,
      },
      stdio: [input === undefined ? 'ignore' : 'pipe', stdout ?? 'pipe', stderr ?? 'pipe'],
    });
    this.child = child;
    // It may end before it has read everything.
    child.stdin?.on('error', () => {});
    if (input !== 'open') child.stdin?.end(input);
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text;
    });
    this.exited = once(child, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await this.exited;
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Waits for the start line. */
  async started(): Promise<Started> {
    const line = await until(
      () => `a start line; stderr: ${this.#stderr}`,
      () => {
        if (this.child.exitCode !== null) throw new Error(`exit ${this.child.exitCode}: ${this.#stderr}`);
        return this.#stdout.includes('\n') ? this.#stdout : undefined;
      },
    );
    return parseStartLine(line);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs the binary to its end. */
export function runCommand(args: string[], options?: CommandOptions): Promise<Outcome> {
  return new Command(args, options).exited;
}

export function parseStartLine(line: string): Started {
  const wsUrl = line.match(/wss?(\+unix)?:[^\s,]+/)?.[0];
  if (wsUrl === undefined) throw new Error(`no address in ${line}`);
  return { line, wsUrl, url: wsUrl.replace(/^ws(.*)\/.*$/, 'http$1') };
}
