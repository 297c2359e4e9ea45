/** `shardhub serve --processes`, with clients that know which process they are connected to. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ClusterClient } from '../clients/cluster-client.js';
import { until } from '../until.js';
import { Command, type Started } from './command-line.js';
import { temporaryFolder } from './temporary-folder.js';

const HANDLER = new URL('../../fixtures/cluster.mjs', import.meta.url).href;
const CONFIG = `export default {
  handler: ${JSON.stringify(HANDLER)},
  topics: { 'h:*': { history: { size: 10000 }, envelope: 'json', presence: true } },
  upgrade: ({ query }) => ({ data: { userId: new URLSearchParams(query).get('user') ?? undefined } }),
};`;

export class Supervised {
  readonly command: Command;
  readonly config: string;
  /** Where it makes its private folder. */
  readonly folder: string;
  started!: Started;

  static async start(processes: number | string, ...args: string[]): Promise<Supervised> {
    const supervised = new Supervised(processes, args);
    supervised.started = await supervised.command.started();
    return supervised;
  }

  private constructor(processes: number | string, args: string[]) {
    this.folder = temporaryFolder();
    this.config = join(temporaryFolder(), 'config.mjs');
    writeFileSync(this.config, CONFIG);
    const own = ['--config', this.config, '--port=0', '--workers=1', `--processes=${processes}`];
    this.command = new Command(['serve', ...own, ...args], { env: { TMPDIR: this.folder } });
    // What it has started would serve on.
    onTestFinished(() => {
      for (const pid of this.pids()) process.kill(pid, 'SIGKILL');
    });
  }

  get pid(): number {
    return this.command.child.pid!;
  }

  /** What is in the place for private folders. */
  left(): string[] {
    return readdirSync(this.folder);
  }

  /** Of the processes that it has now. */
  pids(): number[] {
    const path = `/proc/${this.pid}/task/${this.pid}/children`;
    const text = existsSync(path) ? readFileSync(path, 'latin1') : '';
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  }

  connect(userId?: string): Promise<ClusterClient> {
    return ClusterClient.connect(this.started.wsUrl, userId === undefined ? {} : { userId });
  }

  /** One client for each process: which of them takes a connection is the kernel's choice. */
  async connectToEach(count: number): Promise<Map<number, ClusterClient>> {
    const clients = new Map<number, ClusterClient>();
    await until('a connection to each', async () => {
      const client = await this.connect(`user ${clients.size}`);
      const pid = await client.pid();
      if (clients.has(pid)) client.client.destroy();
      else clients.set(pid, client);
      return clients.size === count;
    });
    return clients;
  }
}
