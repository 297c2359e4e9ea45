/**
 * The admin listener: HTTP of its own, on an address or a Unix socket that only its owner may open, apart from the engine and
 * its limits. Who may ask for what: see `docs/operating.md`. I/O thread.
 */
import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { umask } from 'node:process';
import { HubError } from '../../api/errors.js';
import { hostForUrl } from '../../util/address.js';
import { type ListenAddress, parseListenAddress } from '../../util/listen-address.js';
import { hasToken, refuseStats, type StatsRules, statsAccess } from '../http/stats-access.js';
import type { AdminHost } from './admin-host.js';
import { AdminPage, type AdminPageHost } from './admin-page.js';
import { type AdminAnswer, answerOf, type FoundRoute, findRoute, problem } from './admin-routes.js';

const READ_METHODS = ['GET', 'HEAD'];
const STREAM = '/stats/stream';

/** A message to publish, in base64, and a little more. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface AdminOptions {
  readonly adminListen: string;
  readonly adminToken?: string | undefined;
  readonly statsToken?: string | undefined;
}

/** What an admin listener needs of what it is about: a hub, or several. */
export interface AdminServerHost extends AdminPageHost, Pick<AdminHost, 'onChange' | 'onError'> {
  /** @param values what the query says, or for a change the body; `id` is from the path */
  run(found: FoundRoute, values: Readonly<Record<string, unknown>>): AdminAnswer | Promise<AdminAnswer>;
}

/** What makes room for the file of a Unix socket. */
export type ClearPath = (path: string) => Promise<void>;

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #address: ListenAddress;
  readonly #host: AdminServerHost;
  /** Undefined on a Unix socket, where no browser comes. */
  readonly #page: AdminPage | undefined;
  readonly #server: Server;
  /** Where it listens, for people; empty before. */
  url = '';

  constructor(options: AdminOptions, host: AdminServerHost) {
    this.#options = options;
    // The schema has judged it.
    this.#address = parseListenAddress(options.adminListen)!;
    this.#host = host;
    if (!('path' in this.#address))
      this.#page = new AdminPage(statsAccess(this.#readRules(this.#address.host)), host);
    this.#server = createServer((request, response) => void this.#onRequest(request, response));
    // It must not keep a process alive whose hub has ended.
    this.#server.unref();
  }

  /**
   * @param wsUrl the hub's WebSocket endpoint
   * @throws HubError `ERR_LISTEN`
   */
  async listen(clearPath: ClearPath, wsUrl: string): Promise<void> {
    const address = this.#address;
    if (this.#page !== undefined) this.#page.wsUrl = wsUrl;
    if ('path' in address) await clearPath(address.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const text = `cannot listen on ${this.#options.adminListen} for administrators: ${error.message}`;
        reject(new HubError('ERR_LISTEN', text, { cause: error }));
      });
      const restore = 'path' in address ? closeUmask() : undefined;
      try {
        this.#server.listen(address, resolve);
      } finally {
        restore?.();
      }
    });
    if ('path' in address) {
      chmodSync(address.path, 0o600);
      this.url = `unix:${address.path}`;
    } else {
      const { port } = this.#server.address() as AddressInfo;
      this.url = `http://${hostForUrl(address.host, port)}`;
    }
  }

  /** Ends every request. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A request that is cut off is nobody's fault here.
    request.on('error', () => {});
    const { method = 'GET', url = '/' } = request;
    const { pathname, searchParams } = new URL(url, 'http://host');
    const answer = await this.#answer(method, pathname, searchParams, request, response).catch((error) => {
      if (!(error instanceof HubError)) this.#host.onError(error);
      return answerOf(error);
    });
    // A stream goes on.
    if (answer === undefined) return;
    const { status, type, body, headers } = answer;
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...headers,
      ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="shardhub admin"' }),
    });
    response.end(method === 'HEAD' ? undefined : body);
  }

  async #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<AdminAnswer | undefined> {
    const page = READ_METHODS.includes(method) ? this.#page : undefined;
    const asset = page?.answer(path);
    if (asset !== undefined) return asset;
    if (page !== undefined && path === STREAM) return this.#refuse(false, request) ?? page.stream(response);
    const found = findRoute(method, path);
    if (Array.isArray(found)) {
      if (found.length === 0) return problem(404, 'there is nothing at this path');
      return problem(405, `this path takes ${found.join(', ')}`);
    }
    const { route, id } = found;
    const refused = this.#refuse(route.isChange, request);
    if (refused !== undefined) return refused;
    const given = route.isChange ? await readJson(request) : Object.fromEntries(query);
    const values = id === undefined ? given : { ...given, id };
    if (!route.isChange) return this.#host.run(found, values);
    const answer = await this.#host.run(found, values);
    this.#host.onChange(path.slice(1), { asked: withoutContent(values), ...whoIs(request) });
    return answer;
  }

  #refuse(isChange: boolean, { headers }: IncomingMessage): AdminAnswer | undefined {
    const { adminToken } = this.#options;
    const address = this.#address;
    if ('path' in address) return undefined;
    const isAdmin = adminToken !== undefined && hasToken(headers.authorization, adminToken);
    if (isAdmin) return undefined;
    if (isChange) {
      if (adminToken === undefined)
        return problem(
          403,
          'set the option adminToken (--admin-token), or listen on a Unix socket, to change something',
        );
      return problem(401, 'send the token: "Authorization: Bearer <adminToken>"');
    }
    const refused = refuseStats(headers as Record<string, string>, this.#readRules(address.host));
    return refused === undefined ? undefined : problem(Number.parseInt(refused.status, 10), refused.body);
  }

  /** Either token opens what only reads. */
  #readRules(host: string): StatsRules {
    const { adminToken, statsToken } = this.#options;
    return { host, statsToken: statsToken ?? adminToken };
  }
}

/** Until it is undone, files that are made are their owner's alone. Not in a worker thread, where it cannot be set. */
function closeUmask(): (() => void) | undefined {
  try {
    const before = umask(0o177);
    return () => umask(before);
  } catch {
    return undefined;
  }
}

/** @throws HubError `ERR_ARGUMENT` */
async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES)
      throw new HubError('ERR_ARGUMENT', `the body is over ${MAX_BODY_BYTES} bytes`);
    pieces.push(piece);
  }
  if (bytes === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new HubError('ERR_ARGUMENT', 'the body is not a JSON object');
}

/** The log tells what was done, not what was sent. */
function withoutContent({ data, base64, ...rest }: Readonly<Record<string, unknown>>): object {
  const sent = data ?? base64;
  return typeof sent === 'string' ? { ...rest, length: sent.length } : rest;
}

function whoIs({ socket, headers }: IncomingMessage): object {
  return { from: socket.remoteAddress ?? 'the Unix socket', agent: headers['user-agent'] };
}
