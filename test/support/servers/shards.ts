/** Connections whose shard is known. */
import type { Hub } from 'shardhub';
import { WsClient } from '../clients/ws-client.js';

/** Opens `count` connections on each of the hub's two shards. */
export async function connectOnShards(
  hub: Hub,
  count: number,
  url: string = hub.wsUrl,
): Promise<[WsClient[], WsClient[]]> {
  const clients: [WsClient[], WsClient[]] = [[], []];
  const connections = () => hub.stats().shards.map((shard) => shard.connections);
  while (clients[0].length < count || clients[1].length < count) {
    const before = connections();
    const client = await WsClient.connect(url);
    const shard = connections().findIndex((now, i) => now > before[i]!);
    clients[shard as 0 | 1].push(client);
  }
  return clients;
}
