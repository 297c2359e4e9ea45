/** Where the engine is, and how to get in. Types only. */

export interface BrokerSettings {
  /** `nats://` or `tls://`; several servers are separated by commas. */
  readonly url: string;
  /** Of a server's private authority, and of a client that shows one: paths of PEM files. */
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly key?: string | undefined;
        readonly cert?: string | undefined;
      }
    | undefined;
  /** What every name on the engine begins with: clusters with different ones do not meet. Default: `sh`. */
  readonly prefix?: string | undefined;
  /** Copies of histories, where the engine has several servers. Default: 1. */
  readonly replicas?: number | undefined;
}

export interface BrokerAccess extends BrokerSettings {
  /** A file with the credentials. */
  readonly credentialsFile?: string | undefined;
}
