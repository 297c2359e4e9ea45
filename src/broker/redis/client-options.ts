/** What both links tell the client. I/O thread. */
import { RESP_TYPES } from '@redis/client';
import type { RedisAccess, RedisAddress } from './access.js';

/** To be there; the same for all questions that are asked then. */
export const CONNECT_MS = 5000;

/** Strings of answers as bytes. */
export const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

export function loginOf({ username, password }: RedisAccess) {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** @param address none where it is told by others */
export function socketOf({ tls }: RedisAccess, address?: RedisAddress) {
  return {
    ...(address && { host: address.host, port: address.port }),
    connectTimeout: CONNECT_MS,
    ...(tls && { tls: true as const, ...tls }),
  };
}
