/** How NATS is reached, in full: what `shardhub/nats` takes, and what the option `broker` comes to. */
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { isServerUrl, NATS_PROTOCOL } from '../../util/address.js';
import { COMMON, checkAlone, checkOptions, FLAG, OBJECT, type OptionCheck, TEXT } from '../check-options.js';
import type { BrokerAccess } from '../settings.js';

type OfClient = Pick<
  NodeConnectionOptions,
  'authenticator' | 'ignoreClusterUpdates' | 'inboxPrefix' | 'noRandomize' | 'pass' | 'tls' | 'token' | 'user'
>;

/**
 * What `natsBroker` takes. `token`, `user` and `pass`, `authenticator`, `tls`, `inboxPrefix`, `ignoreClusterUpdates` and
 * `noRandomize` are those of the client's `connect`.
 */
export interface NatsBrokerOptions extends OfClient {
  /** Addresses (`10.0.0.5:4222`) or URLs, one or several of the same cluster: whichever answers is taken. Default: 127.0.0.1:4222. */
  readonly servers?: string | readonly string[] | undefined;
  /**
   * A file with the credentials, as the option `brokerCredentialsFile`. It is read again for each connection, so it may be
   * replaced while the hub runs.
   */
  readonly credentialsFile?: string | undefined;
  /**
   * A connection that the application has made, with whatever options and transport, and that it closes itself, after the
   * hub. It is to reconnect for ever (`maxReconnectAttempts: -1`). Several hubs may use it, if it is not
   * made with `noEcho`: they would not hear each other. Nothing else about the connection can be said beside it.
   */
  readonly connection?: NatsConnection | undefined;
  /** What every name on the server begins with: 1 to 32 letters, digits, _ and -. Hubs with different ones do not meet. Default: sh. */
  readonly prefix?: string | undefined;
  /** Copies of histories in a cluster of servers, from 1 to 5. Default: 1. */
  readonly replicas?: number | undefined;
  /** Take what other programs publish on the names of topics as it is, see docs/cluster.md. Default: false. */
  readonly raw?: boolean | undefined;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

const ABOUT_CONNECTION = {
  servers: {
    takes: 'an address (10.0.0.5:4222), a URL (nats:// or tls://), or an array of them',
    isRight: (value) => {
      const all = Array.isArray(value) ? value : [value];
      return (
        all.length > 0 &&
        all.every((one) => typeof one === 'string' && isServerUrl(withProtocol(one), NATS_PROTOCOL))
      );
    },
  },
  credentialsFile: COMMON.credentialsFile,
  token: TEXT,
  user: TEXT,
  pass: TEXT,
  authenticator: {
    takes: 'a function of the client, such as credsAuthenticator(…), or an array of them',
    isRight: (value) => (Array.isArray(value) ? value.every(isFunction) : isFunction(value)),
  },
  tls: { ...OBJECT, takes: 'an object with ca, key, cert, or caFile, keyFile, certFile' },
  inboxPrefix: TEXT,
  ignoreClusterUpdates: FLAG,
  noRandomize: FLAG,
} as const satisfies Record<string, OptionCheck>;

const CHECKS: Readonly<Record<keyof NatsBrokerOptions, OptionCheck>> = {
  ...ABOUT_CONNECTION,
  connection: {
    takes: 'what connect() of @nats-io/transport-node resolves with',
    isRight: (value) => OBJECT.isRight(value) && isFunction((value as NatsConnection).subscribe),
  },
  prefix: COMMON.prefix,
  raw: COMMON.raw,
  replicas: {
    takes: 'an integer from 1 to 5',
    isRight: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 5,
  },
};

/** @throws HubError `ERR_OPTION` */
export function checkNatsOptions(maker: string, options: NatsBrokerOptions): void {
  checkOptions(maker, options, CHECKS);
  checkAlone(maker, options, 'connection', Object.keys(ABOUT_CONNECTION));
  checkAlone(maker, options, 'credentialsFile', ['token', 'user', 'authenticator']);
}

/** As a URL: it is one, or an address. */
export function serverUrl(server: string): URL {
  return new URL(withProtocol(server));
}

function withProtocol(server: string): string {
  return server.includes('://') ? server.trim() : `nats://${server.trim()}`;
}

export function natsOptionsOf({ url, tls, credentialsFile, ...naming }: BrokerAccess): NatsBrokerOptions {
  const files = tls && {
    ...(tls.ca !== undefined && { caFile: tls.ca }),
    ...(tls.key !== undefined && { keyFile: tls.key }),
    ...(tls.cert !== undefined && { certFile: tls.cert }),
  };
  return { servers: url.split(','), credentialsFile, ...(files && { tls: files }), ...naming };
}
