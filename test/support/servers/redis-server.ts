/** Debian's `redis-server`, for tests: on a port of the loopback, with its files in a temporary folder. */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { until } from '../until.js';
import { ServerProgram } from './server-program.js';

export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;

/** What is answered for is on the disk: a restart is no other history. */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

export class RedisServer extends ServerProgram {
  readonly #settings: readonly string[];
  /** None that the system gives to others. */
  port = randomInt(20_000, 30_000);

  /** @param settings more of its command line */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(settings);
    await server.start();
    return server;
  }

  private constructor(settings: readonly string[]) {
    super('redis');
    this.#settings = settings;
  }

  /** Where servers of a cluster talk to each other. */
  get busPort(): number {
    return this.port - 10_000;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Again on the same port, with what it had stored. */
  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    const args = [
      ...own,
      '--logfile',
      join(this.folder, 'log'),
      ...this.#settings.map((text) =>
        text.replace('{port}', `${this.port}`).replace('{bus}', `${this.busPort}`),
      ),
    ];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    this.child = child;
    await until('the server to listen', () => {
      if (child.exitCode !== null) throw new Error(this.log());
      return this.#ownLog().includes('Ready to accept connections');
    });
  }

  /** Asks it something, as anybody could. */
  async ask(...args: (string | Buffer)[]): Promise<unknown> {
    const client = createClient({ url: this.url, RESP: 3 });
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  /** What this process of it has written. */
  #ownLog(): string {
    if (!existsSync(join(this.folder, 'log'))) return '';
    return this.log()
      .split('\n')
      .filter((line) => line.startsWith(`${this.pid}:`))
      .join('\n');
  }
}
