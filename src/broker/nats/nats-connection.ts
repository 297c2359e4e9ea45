/** Connects to NATS: servers, credentials, TLS. Nothing of a credential is ever in an error. */
import { readFileSync } from 'node:fs';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { within } from '../../util/within.js';
import { withoutUndefined } from '../check-options.js';
import { textOf, unusable } from '../faults.js';
import { type NatsBrokerOptions, serverUrl } from './nats-options.js';

const CONNECT_MS = 5000;
/** A server that answers no ping for two of them is taken for dead. */
const PING_MS = 5000;
/** All nodes come back at once when a server does: within so long. */
const RECONNECT_MS = 250;
const JITTER_MS = 500;
const DEFAULT_SERVER = '127.0.0.1:4222';

/** @throws HubError `ERR_BROKER` */
export async function connectToNats(settings: NatsBrokerOptions, name: string): Promise<NatsConnection> {
  const { servers = DEFAULT_SERVER, credentialsFile, connection, prefix, replicas, raw, ...own } = settings;
  if (connection !== undefined) return checkConnection(connection);
  const urls = (typeof servers === 'string' ? [servers] : servers).map(serverUrl);
  const hosts = urls.map(({ host }) => host);
  try {
    const authenticator =
      credentialsFile === undefined ? authenticatorOf(urls[0]!) : authenticatorOfFile(credentialsFile);
    return await connect({
      servers: hosts,
      name,
      timeout: CONNECT_MS,
      noEcho: true,
      // Two errors would be made for each question, in case it fails: half of what a publication with history costs.
      noAsyncTraces: true,
      pingInterval: PING_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: JITTER_MS,
      reconnectJitterTLS: JITTER_MS,
      // A server that refuses now may not do so later, when it or the credentials have been mended.
      ignoreAuthErrorAbort: true,
      ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
      ...(authenticator && { authenticator }),
      ...withoutUndefined(own),
    });
  } catch (error) {
    throw unusable(`nats (${hosts.join(', ')})`, textOf(error), error);
  }
}

/** One that the application has made. */
async function checkConnection(connection: NatsConnection): Promise<NatsConnection> {
  if (connection.isClosed()) throw unusable('nats', 'the connection that it was given is closed');
  const answered = await within(connection.flush(), CONNECT_MS).catch(() => false);
  if (!answered)
    throw unusable('nats', `no answer within ${CONNECT_MS} ms on the connection that it was given`);
  return connection;
}

function authenticatorOf({ username, password }: URL): Authenticator | undefined {
  const user = decodeURIComponent(username);
  if (user === '') return undefined;
  return password === ''
    ? tokenAuthenticator(user)
    : usernamePasswordAuthenticator(user, decodeURIComponent(password));
}

/** Reads the file for each connection, as credentials expire and are replaced. @throws Error when it is not there at first */
function authenticatorOfFile(path: string): Authenticator {
  const read = () => toAuthenticator(readFileSync(path));
  let last = read();
  return (nonce) => {
    try {
      const next = read();
      const answer = next(nonce);
      last = next;
      return answer;
    } catch {
      // It may be on its way, or be there in half: what was in it may do still.
      return last(nonce);
    }
  };
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
