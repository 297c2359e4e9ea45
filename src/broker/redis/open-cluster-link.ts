/**
 * Connects to a Redis Cluster: the client knows which server has a topic, and channels are its server's alone (sharded
 * publish). One connection that is lost ends the link, as with one server: nobody else would say what was missed on it.
 * I/O thread.
 */
import { createCluster } from '@redis/client';
import { textOf } from '../faults.js';
import type { OnBytes } from '../remote/server-port.js';
import { BYTES, socketOf } from './client-options.js';
import type { LinkNeeds, RedisLink } from './redis-link.js';

/** @throws Error when it cannot be used */
export async function openClusterLink(
  { access, label, onLost }: LinkNeeds,
  maxMessageBytes: number,
): Promise<RedisLink> {
  let isOpen = false;
  const destroy = () => {
    isOpen = false;
    cluster.destroy();
  };
  const onError = (error: unknown) => {
    if (!isOpen) return;
    destroy();
    onLost(textOf(error));
  };
  const reconnectStrategy = (_: number, cause: Error): false => {
    onError(cause);
    return false;
  };
  const cluster = createCluster({
    rootNodes: access.addresses.map((address) => ({
      socket: { ...socketOf(access, address), reconnectStrategy },
    })),
    RESP: 3,
    ...(access.nodeAddressMap && { nodeAddressMap: access.nodeAddressMap }),
    defaults: {
      name: label,
      ...access.login,
      // Servers that others tell of have an address only.
      socket: { ...socketOf(access), reconnectStrategy },
    },
  });
  cluster.on('error', onError);
  try {
    await cluster.connect();
    for (const { client } of cluster.masters)
      if (!/cluster_state:ok/.test(String(await client?.sendCommand(['CLUSTER', 'INFO']))))
        throw new Error('the cluster is down');
  } catch (error) {
    destroy();
    throw error;
  }
  isOpen = true;
  return {
    isCluster: true,
    maxMessageBytes,
    send: (key, args) => cluster.sendCommand(key, false, args as string[], BYTES),
    subscribe: (channel, onBytes) => cluster.sSubscribe(channel, onBytes as OnBytes, true),
    unsubscribe: async (channel, onBytes) => cluster.sUnsubscribe(channel, onBytes as OnBytes, true),
    ping: () =>
      Promise.all(cluster.masters.flatMap((master) => [master.client?.ping(), master.pubSub?.client.ping()])),
    close: async () => {
      isOpen = false;
      await cluster.close();
    },
    destroy,
  };
}
