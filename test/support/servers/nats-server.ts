/** Debian's `nats-server`, for tests: on a free port of the loopback, with JetStream in a temporary folder. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../until.js';
import { ServerProgram } from './server-program.js';

export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;

export class NatsServer extends ServerProgram {
  /** More lines of its configuration, from the next start on. */
  config: string;
  /** Of its command line. */
  readonly #before: readonly string[];
  port = -1;

  /**
   * @param config more lines of its configuration
   * @param network in which it runs, on all addresses, instead of on the loopback
   */
  static async start(config = '', network?: { readonly command: readonly string[] }): Promise<NatsServer> {
    const server = new NatsServer(config, network?.command ?? []);
    await server.start();
    return server;
  }

  private constructor(config: string, before: readonly string[]) {
    super('nats');
    this.config = config;
    this.#before = before;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Again on the same port, with what it had stored. */
  async start(): Promise<void> {
    const path = join(this.folder, 'server.conf');
    const store = `jetstream { store_dir: ${JSON.stringify(join(this.folder, 'store'))} }`;
    const host = this.#before.length === 0 ? '127.0.0.1' : '0.0.0.0';
    const listen = `listen: "${host}:${this.port}"`;
    writeFileSync(
      path,
      `${listen}\nports_file_dir: ${JSON.stringify(this.folder)}\n${store}\n${this.config}\n`,
    );
    const [program, ...args] = [...this.#before, 'nats-server', '-c', path, '-l', join(this.folder, 'log')];
    const child = spawn(program!, args, { stdio: 'ignore' });
    this.child = child;
    await until('the server to listen', () => {
      if (child.exitCode !== null) throw new Error(this.log());
      const name = readdirSync(this.folder).find((file) => file === `nats-server_${child.pid}.ports`);
      if (name === undefined) return false;
      const text = readFileSync(join(this.folder, name), 'utf8');
      // Not written yet.
      if (text === '') return false;
      const { nats } = JSON.parse(text);
      this.port = Number(new URL(nats[0]).port);
      return true;
    });
  }
}
