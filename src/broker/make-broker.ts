/** The broker that the options ask for. */
import type { Broker, HistoryBounds } from './broker.js';
import { MemoryBroker } from './memory-broker.js';
import { NatsBroker } from './nats/nats-broker.js';
import { RelayBroker } from './relay/relay-broker.js';
import type { BrokerSettings } from './settings.js';

export interface BrokerChoice {
  /** Undefined for none. */
  readonly broker?: string | BrokerSettings | undefined;
  readonly brokerCredentialsFile?: string | undefined;
  readonly topics: Readonly<Record<string, { readonly history?: HistoryBounds | undefined }>>;
}

/** Before the path of a relay's socket, where a URL has its server. */
export const RELAY_SCHEME = 'relay:';

/** Its engine's client is loaded when it starts. */
export function makeBroker({ broker, brokerCredentialsFile, topics }: BrokerChoice): Broker {
  if (broker === undefined) return new MemoryBroker();
  if (typeof broker === 'string' && broker.startsWith(RELAY_SCHEME))
    return new RelayBroker(broker.slice(RELAY_SCHEME.length));
  const settings = typeof broker === 'string' ? { url: broker } : broker;
  const byClass = new Map<string, HistoryBounds>();
  for (const { history } of Object.values(topics))
    if (history !== undefined) byClass.set(`${history.size} ${history.ttlMs}`, history);
  return new NatsBroker({ ...settings, credentialsFile: brokerCredentialsFile }, [...byClass.values()]);
}
