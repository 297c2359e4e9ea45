/** Which connections belong together: the types of the option `affinity`. */
import type { HandshakeRequest } from './handshake-request.js';

/**
 * Names the key of a connection: those with the same key go to the same worker. `undefined`: to the least loaded one.
 * Runs on the I/O thread, once a handshake is accepted.
 *
 * @param data what the `upgrade` hook returned
 */
export type AffinityHook<Data = unknown> = (request: HandshakeRequest, data: Data) => string | undefined;

/** A key by its place in the request; behind `=` what stands for a value that is missing or empty. */
export const AFFINITY_PATTERN = /^(?:path|(query|header):([^=\s]+)(?:=(.+))?)$/;
