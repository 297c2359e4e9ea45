/**
 * Redis and Valkey for the option `broker`, where a URL does not say enough: credentials from a provider, TLS, a Unix socket.
 * Its client (`@redis/client`) has to be installed.
 *
 * @module shardhub/redis
 */
import { type HubBroker, MAKE_BROKER } from './api/broker.js';
import { makeRedisBroker } from './broker/make-broker.js';
import { checkRedisOptions, type RedisBrokerOptions } from './broker/redis/redis-options.js';

export type { HubBroker } from './api/broker.js';
export type { RedisBrokerOptions } from './broker/redis/redis-options.js';

/**
 * For the option `broker` of `createHub`.
 *
 * @throws HubError `ERR_OPTION` that names each option that is unknown or wrong. What is wrong with the server, or its answer,
 * is told when the hub starts (`ERR_BROKER`).
 */
export function redisBroker(options: RedisBrokerOptions = {}): HubBroker {
  checkRedisOptions('redisBroker', options);
  return { name: 'redis', [MAKE_BROKER]: () => makeRedisBroker(options) };
}
