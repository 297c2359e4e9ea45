/** Connects to NATS: servers, credentials, TLS. Nothing of a credential is ever in an error. */
import { readFile } from 'node:fs/promises';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { unusable } from '../faults.js';
import type { BrokerAccess } from '../settings.js';

const CONNECT_MS = 5000;
/** A server that answers no ping for two of them is taken for dead. */
const PING_MS = 5000;
/** All nodes come back at once when a server does: within so long. */
const RECONNECT_MS = 250;
const JITTER_MS = 500;

/** @throws HubError `ERR_BROKER` */
export async function connectToNats(settings: BrokerAccess, name: string): Promise<NatsConnection> {
  const urls = settings.url.split(',').map((url) => new URL(url.trim()));
  const servers = urls.map(({ host }) => host);
  try {
    const authenticator = await readCredentials(settings, urls[0]!);
    const { tls } = settings;
    const isSecure = tls !== undefined || urls.some(({ protocol }) => protocol === 'tls:');
    return await connect({
      servers,
      name,
      timeout: CONNECT_MS,
      noEcho: true,
      pingInterval: PING_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: JITTER_MS,
      reconnectJitterTLS: JITTER_MS,
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(isSecure ? { tls: { caFile: tls?.ca, keyFile: tls?.key, certFile: tls?.cert } as object } : {}),
    });
  } catch (error) {
    throw unusable(`nats (${servers.join(', ')})`, error instanceof Error ? error.message : String(error));
  }
}

async function readCredentials(
  { credentialsFile }: BrokerAccess,
  url: URL,
): Promise<Authenticator | undefined> {
  if (credentialsFile !== undefined) return toAuthenticator(await readFile(credentialsFile));
  const user = decodeURIComponent(url.username);
  if (user === '') return undefined;
  return url.password === ''
    ? tokenAuthenticator(user)
    : usernamePasswordAuthenticator(user, decodeURIComponent(url.password));
}

function toAuthenticator(bytes: Uint8Array): Authenticator {
  const text = Buffer.from(bytes).toString('utf8').trim();
  if (text.includes('-----BEGIN NATS USER JWT-----')) return credsAuthenticator(bytes);
  if (/^SU[A-Z2-7]{56}$/.test(text)) return nkeyAuthenticator(Buffer.from(text));
  const colon = text.indexOf(':');
  if (colon > 0) return usernamePasswordAuthenticator(text.slice(0, colon), text.slice(colon + 1));
  if (text !== '' && !/\s/.test(text)) return tokenAuthenticator(text);
  throw new Error(
    'the credentials file has neither a JWT with its seed, nor an NKEY seed, user:password or a token',
  );
}
