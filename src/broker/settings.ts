/** Where the engine is, and how to get in. */
import type { HubBroker } from '../api/broker.js';
import type { HubOptions } from '../api/hub-options.js';

/** What names on a server begin with. */
export const DEFAULT_PREFIX = 'sh';

/** The option `broker`, in full. */
export type BrokerSettings = Exclude<NonNullable<HubOptions['broker']>, string | HubBroker>;

export interface BrokerAccess extends BrokerSettings {
  /** A file with the credentials. */
  readonly credentialsFile?: string | undefined;
}
