/** The broker that the options ask for. Its engine's client is loaded when it starts. */
import type { Broker } from './broker.js';
import { MemoryBroker } from './memory-broker.js';
import { NatsServerPort } from './nats/nats-server.js';
import { RedisServerPort } from './redis/redis-server.js';
import { RelayBroker } from './relay/relay-broker.js';
import { RemoteBroker } from './remote/remote-broker.js';
import type { BrokerAccess, BrokerSettings } from './settings.js';

export interface BrokerChoice {
  /** Undefined for none. */
  readonly broker?: string | BrokerSettings | undefined;
  readonly brokerCredentialsFile?: string | undefined;
}

/** Before the path of a relay's socket, where a URL has its server. */
export const RELAY_SCHEME = 'relay:';

export function makeBroker({ broker, brokerCredentialsFile }: BrokerChoice): Broker {
  if (broker === undefined) return new MemoryBroker();
  if (typeof broker === 'string' && broker.startsWith(RELAY_SCHEME))
    return new RelayBroker(broker.slice(RELAY_SCHEME.length));
  const settings = typeof broker === 'string' ? { url: broker } : broker;
  const access = { ...settings, credentialsFile: brokerCredentialsFile };
  return isRedis(settings.url) ? redisBroker(access) : natsBroker(access);
}

export function natsBroker(access: BrokerAccess): Broker {
  return new RemoteBroker(new NatsServerPort(access), access.raw);
}

export function redisBroker(access: BrokerAccess): Broker {
  return new RemoteBroker(new RedisServerPort(access), access.raw);
}

function isRedis(url: string): boolean {
  return /^\s*(redis|valkey)s?:/.test(url);
}
