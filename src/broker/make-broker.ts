/** The broker that the options ask for. Its engine's client is loaded when it starts. */
import { type HubBroker, MAKE_BROKER } from '../api/broker.js';
import type { Broker } from './broker.js';
import { MemoryBroker } from './memory-broker.js';
import { type NatsBrokerOptions, natsOptionsOf } from './nats/nats-options.js';
import { NatsServerPort } from './nats/nats-server.js';
import type { RedisSettings } from './redis/redis-options.js';
import { RedisServerPort } from './redis/redis-server.js';
import { RelayBroker } from './relay/relay-broker.js';
import { RemoteBroker } from './remote/remote-broker.js';
import type { BrokerAccess, BrokerSettings } from './settings.js';

export interface BrokerChoice {
  /** Undefined for none. */
  readonly broker?: string | BrokerSettings | HubBroker | undefined;
  readonly brokerCredentialsFile?: string | undefined;
}

/** Before the path of a relay's socket, where a URL has its server. */
export const RELAY_SCHEME = 'relay:';

export function makeBroker({ broker, brokerCredentialsFile }: BrokerChoice): Broker {
  if (broker === undefined) return new MemoryBroker();
  if (typeof broker === 'string' && broker.startsWith(RELAY_SCHEME))
    return new RelayBroker(broker.slice(RELAY_SCHEME.length));
  if (typeof broker === 'object' && MAKE_BROKER in broker) return broker[MAKE_BROKER]() as Broker;
  const settings = typeof broker === 'string' ? { url: broker } : broker;
  const access: BrokerAccess = { ...settings, credentialsFile: brokerCredentialsFile };
  return engineOf(broker) === 'redis' ? makeRedisBroker(access) : makeNatsBroker(natsOptionsOf(access));
}

export function makeNatsBroker(options: NatsBrokerOptions): Broker {
  return new RemoteBroker(new NatsServerPort(options), options.raw);
}

export function makeRedisBroker(settings: RedisSettings): Broker {
  return new RemoteBroker(new RedisServerPort(settings), settings.raw);
}

/** What keeps the topics of a hub with this option: memory, relay, nats or redis. */
export function engineOf(broker: BrokerChoice['broker']): string {
  if (broker === undefined) return 'memory';
  if (typeof broker === 'object' && MAKE_BROKER in broker) return broker.name;
  const url = typeof broker === 'string' ? broker : broker.url;
  if (url.startsWith(RELAY_SCHEME)) return 'relay';
  return /^\s*(redis|valkey)s?:/.test(url) ? 'redis' : 'nats';
}
