/** How Redis is reached, in full: what `shardhub/redis` takes, and what the option `broker` comes to. */
import type { RedisClientOptions, RedisClusterOptions } from '@redis/client';
import { isServerUrl, REDIS_PROTOCOL } from '../../util/address.js';
import { COMMON, checkAlone, checkOptions, OBJECT, type OptionCheck, TEXT } from '../check-options.js';
import type { BrokerSettings } from '../settings.js';

type OfClient = Pick<
  RedisClientOptions,
  'credentialsProvider' | 'database' | 'password' | 'socket' | 'username'
>;

/**
 * What `redisBroker` takes. `username`, `password`, `credentialsProvider`, `database` and `socket` are those of the client's
 * `createClient`; `socket` (`ca`, `servername`, `host` and `port`, or the `path` of a Unix socket, …) counts for every
 * connection, but for `reconnectStrategy`: the hub makes its connections anew by itself.
 */
export interface RedisBrokerOptions extends OfClient {
  /** As in the option `broker`: redis:// or rediss://, several servers of a cluster separated by commas. Default: redis://127.0.0.1:6379. */
  readonly url?: string | undefined;
  /** Where the servers of a cluster are, if not where they say: as `createCluster` of the client takes it. */
  readonly nodeAddressMap?: RedisClusterOptions['nodeAddressMap'];
  /** A file with `user:password`, or a password, as the option `brokerCredentialsFile`; read again for each connection. */
  readonly credentialsFile?: string | undefined;
  /** What every name on the server begins with: 1 to 32 letters, digits, _ and -. Hubs with different ones do not meet. Default: sh. */
  readonly prefix?: string | undefined;
  /** Take what other programs publish on the names of topics as it is, see docs/cluster.md. Default: false. */
  readonly raw?: boolean | undefined;
}

/** With paths of certificates, as the option `broker` has them. */
export type RedisSettings = RedisBrokerOptions & Pick<BrokerSettings, 'tls'>;

export const DEFAULT_URL = 'redis://127.0.0.1:6379';

const CHECKS: Readonly<Record<keyof RedisBrokerOptions, OptionCheck>> = {
  url: {
    takes: 'a URL (redis:// or rediss://), or several separated by commas',
    isRight: (value) =>
      typeof value === 'string' && value.split(',').every((one) => isServerUrl(one, REDIS_PROTOCOL)),
  },
  socket: { ...OBJECT, takes: 'an object, as createClient of @redis/client takes it' },
  username: TEXT,
  password: TEXT,
  credentialsProvider: {
    ...OBJECT,
    takes: 'an object with a type, as createClient of @redis/client takes it',
  },
  database: {
    takes: 'an integer from 0',
    isRight: (value) => Number.isInteger(value) && (value as number) >= 0,
  },
  nodeAddressMap: {
    takes: 'an object or a function, as createCluster of @redis/client takes it',
    isRight: (value) => typeof value === 'function' || OBJECT.isRight(value),
  },
  ...COMMON,
};

/** @throws HubError `ERR_OPTION` */
export function checkRedisOptions(maker: string, options: RedisBrokerOptions): void {
  checkOptions(maker, options, CHECKS);
  checkAlone(maker, options, 'credentialsFile', ['username', 'password', 'credentialsProvider']);
  const { host, port, path } = (options.socket ?? {}) as Record<string, unknown>;
  if (host !== undefined || port !== undefined || path !== undefined)
    checkAlone(maker, options, 'url', ['socket']);
}
