/** What both links tell the client. I/O thread. */
import { RESP_TYPES, type RedisClusterOptions } from '@redis/client';
import type { RedisAccess, RedisAddress } from './access.js';

type SocketOptions = NonNullable<RedisClusterOptions['rootNodes'][number]['socket']>;

/** To be there; the same for all questions that are asked then. */
export const CONNECT_MS = 5000;

/** Strings of answers as bytes. */
export const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

/** @param address none where it is told by others */
export function socketOf({ socket }: RedisAccess, address?: RedisAddress): SocketOptions {
  return { connectTimeout: CONNECT_MS, ...socket, ...address } as SocketOptions;
}
