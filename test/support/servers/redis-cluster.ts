/** Three masters of a Redis Cluster, for tests. */
import { until } from '../until.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;

export class RedisCluster {
  readonly servers: readonly RedisServer[];

  static async start(): Promise<RedisCluster> {
    const settings = [
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      '{bus}',
      '--cluster-config-file',
      'nodes',
    ];
    const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start(settings)));
    const share = Math.ceil(SLOTS / servers.length);
    for (const [i, server] of servers.entries()) {
      const last = Math.min(SLOTS, (i + 1) * share) - 1;
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', `${i * share}`, `${last}`);
      const { port, busPort } = servers[0]!;
      if (i > 0) await server.ask('CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${busPort}`);
    }
    const isWhole = async (server: RedisServer) =>
      /cluster_state:ok.*cluster_known_nodes:3/s.test(String(await server.ask('CLUSTER', 'INFO')));
    for (const server of servers) await until('the cluster', () => isWhole(server));
    return new RedisCluster(servers);
  }

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  get url(): string {
    return this.servers.map(({ url }) => url).join(',');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
