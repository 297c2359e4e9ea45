/** A process that is started, asked and stopped over lines: the servers that are measured, and some of their clients. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BenchAbort, LeftOut } from './errors.mjs';

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5000;

/** The other side is controls/support/control.mjs. */
export class Child {
  #name;
  #process;
  #lines;
  #exited;
  #port = 0;

  /** @param {string} name for complaints @param {readonly string[]} command program and arguments */
  constructor(name, [program, ...args]) {
    this.#name = name;
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stderr = '';
    this.#process.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('close', (code, signal) => resolve(`exit ${code ?? signal} ${stderr}`.trim()));
    });
  }

  /**
   * Starts a process and waits until it is ready.
   *
   * @param {string} name @param {readonly string[]} command
   * @throws LeftOut when it says that it cannot run here; BenchAbort when it does not start
   */
  static async start(name, command) {
    const child = new Child(name, command);
    const timer = setTimeout(() => child.#process.kill('SIGKILL'), START_TIMEOUT_MS);
    try {
      const { port, leftOut } = await child.#readLine();
      if (leftOut !== undefined) throw new LeftOut(leftOut);
      child.#port = port;
      return child;
    } catch (error) {
      await child.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get pid() {
    return this.#process.pid;
  }

  get port() {
    return this.#port;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.#port}/ws`;
  }

  get echoUrl() {
    return `http://127.0.0.1:${this.#port}/echo`;
  }

  /** Gives a command and returns its answer; a command that is asked meanwhile gets its own. */
  ask(command) {
    this.#process.stdin.write(`${command}\n`);
    return this.#readLine();
  }

  async stop() {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async #readLine() {
    const { value, done } = await this.#lines.next();
    if (done) throw new BenchAbort(`${this.#name} ended: ${await this.#exited}`);
    const answer = parse(value);
    if (answer === undefined)
      throw new BenchAbort(`${this.#name} said what is no answer: ${JSON.stringify(value.slice(0, 80))}`);
    if (answer.failed !== undefined) throw new BenchAbort(`${this.#name}: ${answer.failed}`);
    return answer;
  }
}

/** The answer in a line; undefined when it is none. */
function parse(line) {
  try {
    const answer = JSON.parse(line);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}
