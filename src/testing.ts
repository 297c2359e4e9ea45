/**
 * Tests of handlers: a handler under a test's hand, in memory or on a free port, and faults that can be repeated.
 *
 * @module shardhub/testing
 */
export type { BrokerLink } from './testing/broker-link.js';
export { Faults, type WorkerFaultOptions, withFaults } from './testing/faults.js';
export type { Closed } from './testing/inbox.js';
export type { Received } from './testing/peer.js';
export { Prng } from './testing/prng.js';
export { TestConnection } from './testing/test-connection.js';
export { type ConnectOptions, TestHandler, type TestOptions, testHandler } from './testing/test-handler.js';
export type { LogLine } from './testing/test-log.js';
export type { WorkerFault } from './testing/worker-fault.js';
