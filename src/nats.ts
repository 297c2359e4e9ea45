/**
 * NATS for the option `broker`, where a URL does not say enough: several ways to get in, TLS, a connection of one's own. Its
 * client (`@nats-io/transport-node`, and `@nats-io/jetstream` for topics with history) has to be installed.
 *
 * @module shardhub/nats
 */
import { type HubBroker, MAKE_BROKER } from './api/broker.js';
import { makeNatsBroker } from './broker/make-broker.js';
import { checkNatsOptions, type NatsBrokerOptions } from './broker/nats/nats-options.js';

export type { HubBroker } from './api/broker.js';
export type { NatsBrokerOptions } from './broker/nats/nats-options.js';

/**
 * For the option `broker` of `createHub`.
 *
 * @throws HubError `ERR_OPTION` that names each option that is unknown or wrong. What is wrong with the server, or its answer,
 * is told when the hub starts (`ERR_BROKER`).
 */
export function natsBroker(options: NatsBrokerOptions = {}): HubBroker {
  checkNatsOptions('natsBroker', options);
  return { name: 'nats', [MAKE_BROKER]: () => makeNatsBroker(options) };
}
