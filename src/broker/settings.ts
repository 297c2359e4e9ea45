/** Where the engine is, and how to get in. Types only. */
import type { HubOptions } from '../api/hub-options.js';

/** The option `broker`, in full. */
export type BrokerSettings = Exclude<NonNullable<HubOptions['broker']>, string>;

export interface BrokerAccess extends BrokerSettings {
  /** A file with the credentials. */
  readonly credentialsFile?: string | undefined;
}
