/** Options of the listener, the handshake, the handler and the socket. */
import { z } from 'zod';
import { AFFINITY_PATTERN, type AffinityHook } from '../api/affinity.js';
import type { OriginCheck, UpgradeHook } from '../api/upgrade.js';
import { isNetwork } from '../util/address.js';
import { TOKEN } from '../util/http-token.js';
import { usableCores } from '../util/idle-cores.js';
import { normalizeOrigin } from '../util/origin.js';
import { embedded, flag, integer, isFunction, MIB, option } from './meta.js';

/** `https://*.example.com` stands for every name below. */
const originEntry = z.union([
  z.string().refine((entry) => normalizeOrigin(entry) !== undefined),
  z.instanceof(RegExp),
]);
const originSchema = z.union([
  z.enum(['same-origin', '*']),
  z.instanceof(RegExp),
  z.array(originEntry).min(1),
  z.custom<OriginCheck>(isFunction),
]);

/** RFC 9110 §5.6.2, as RFC 6455 §4.1 asks. */
const subprotocol = z.string().regex(TOKEN);

const filePath = z.string().min(1);
/** What the kernels' own structure holds, on macOS; the engine writes past the end of it. */
const socketPath = filePath.refine((path) => Buffer.byteLength(path) <= 103 && !path.includes('\0'));
const tlsSchema = z
  .strictObject({
    key: filePath,
    cert: filePath,
    passphrase: z.string().optional(),
    ciphers: z
      .string()
      .regex(/^[A-Z0-9-]+(:[A-Z0-9-]+)*$/)
      .optional(),
    clientCa: filePath.optional(),
    clientCert: z.enum(['require', 'request']).optional(),
  })
  .refine(({ clientCa, clientCert }) => clientCert === undefined || clientCa !== undefined);

const trustProxySchema = z.union([
  z.literal(false),
  z.int().min(0).max(100),
  z.array(z.string().refine(isNetwork)).min(1),
]);

/** As a client asks for it: one that the URL parser leaves as it is. The engine looks at 100 segments at most. */
function isPath(path: string): boolean {
  const isPlain = /^\/[^\s?#*:]*$/.test(path) && path.length <= 1024 && path.split('/').length <= 100;
  return isPlain && new URL(`http://host${path}`).pathname === path;
}
const pathSchema = z.string().refine(isPath);
export const handlerSchema = z.union([z.string().min(1), z.instanceof(URL)]);
const upgradeSchema = z.custom<UpgradeHook>(isFunction);
const affinitySchema = z.union([z.string().regex(AFFINITY_PATTERN), z.custom<AffinityHook>(isFunction)]);
const subprotocolsSchema = z.array(subprotocol);

/** A copy: what the application does to its own afterwards is not the workers'. */
export const clonedSchema = z.unknown().transform((value, context) => {
  try {
    return structuredClone(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const routeSchema = z.strictObject({
  handler: handlerSchema,
  handlerOptions: clonedSchema.optional(),
  upgrade: upgradeSchema.optional(),
  origins: originSchema.optional(),
  subprotocols: subprotocolsSchema.optional(),
  affinity: affinitySchema.optional(),
});

/** The engine's own bounds: any other value aborts the process (uWebSockets.js asserts them in C++). */
const IDLE_TIMEOUT = z
  .int()
  .refine((s) => s === 0 || (s >= 8 && s <= 960 && s % 4 === 0))
  .default(60);

export const serverOptions = {
  engine: option(z.enum(['auto', 'uws', 'node', 'bun']).default('auto'), {
    description:
      'what drives the sockets: uws (uWebSockets.js, which needs a binary for this Node.js and platform), node (runs everywhere), bun (node, and only where the process is Bun), or auto: uws where it loads, otherwise node',
    takes: '"auto", "uws", "node" or "bun"',
    cli: { kind: 'string', value: 'name' },
  }),
  host: option(z.string().min(1).default('127.0.0.1'), {
    description: 'address to listen on',
    takes: 'an IP address or a host name',
    cli: { kind: 'string', value: 'address' },
  }),
  port: integer(0, 65_535, 8080, 'port', 'port to listen on; 0 picks a free one'),
  sharePort: flag(false, 'let other processes listen on the same port (SO_REUSEPORT)'),
  processes: option(z.union([z.literal('auto'), z.int().min(1).max(64)]).optional(), {
    description:
      'hub processes that share the port, under a supervisor that starts what dies again; auto goes by the cores; for `shardhub serve` on Linux (see docs/processes.md)',
    fallbackText: 'none: this process is the hub, without a supervisor',
    takes: 'an integer from 1 to 64 (processes), or "auto"',
    cli: {
      kind: 'integer',
      value: 'processes|auto',
      takes: 'an integer from 1 to 64 (processes), or auto',
    },
  }),
  unixSocket: option(socketPath.optional(), {
    description: 'path of a Unix socket to listen on instead of host and port',
    takes:
      'a path of at most 103 bytes, in a folder that exists, where nothing is or a socket that nobody listens on',
    cli: { kind: 'string', value: 'path' },
  }),
  tls: option(tlsSchema.optional(), {
    description: 'paths of PEM files: the private key and the certificate (with its chain)',
    takes:
      'key and cert (paths of PEM files), the passphrase of an encrypted key, and ciphers (names of suites for TLS 1.2, with ":" between them); for certificates of clients, clientCa (path of the PEM file of their authorities) and clientCert ("require", the default, or "request")',
    cli: {
      kind: 'fields',
      fields: {
        key: 'path of the private key (PEM): serves https and wss',
        cert: 'path of the certificate (PEM), followed by its chain',
        passphrase: 'of an encrypted private key; better given as a variable',
        clientCa: 'path of the authorities (PEM) that sign the certificates which clients have to show',
      },
    },
  }),
  proxyProtocol: flag(
    false,
    'take a peer’s address from the header of the PROXY protocol; only behind a proxy that always sends it',
  ),
  trustProxy: option(trustProxySchema.default(false), {
    description:
      'proxies whose X-Forwarded-For is believed: how many stand before the hub, or a list of their addresses and networks',
    fallbackText: 'none',
    takes:
      'false, an integer from 0 to 100 (proxies), or a list of IP addresses and networks such as 10.0.0.0/8',
    cli: {
      kind: 'list',
      value: 'hops|networks',
      takes: 'a number of proxies from 0 to 100, or addresses and networks, such as 10.0.0.0/8,192.0.2.1',
    },
  }),
  path: option(pathSchema.default('/ws'), {
    description: 'path of the WebSocket endpoint',
    takes:
      'a path as clients ask for it: it starts with "/", has none of ? # * : and no "." or ".." between slashes, what is not ASCII or a space is percent-encoded (/caf%C3%A9), and it is not one that the hub serves itself (http, console)',
    cli: { kind: 'string', value: 'path' },
  }),
  handler: option(handlerSchema.default('echo'), {
    description:
      'what processes the messages: echo, done, chat, burn (or burn:<µs>), or the path of a module with a default export',
    takes: 'the name of a built-in handler, a path, or a file: URL',
    cli: {
      kind: 'string',
      value: 'name|path',
      takes: 'echo, done, chat, burn, burn:<µs>, or the path or file: URL of a module',
    },
  }),
  handlerOptions: option(clonedSchema.optional(), {
    description: 'what the handler’s start is given in every worker (worker.options), as a copy',
    takes: 'any value that structuredClone takes: no functions, and no classes but the built-in ones',
    cli: {
      kind: 'json',
      value: 'json|path',
      takes: 'JSON, such as {"limit":5}, or the path of a file of JSON',
    },
  }),
  routes: option(
    z
      .record(pathSchema, routeSchema)
      .refine((routes) => Object.keys(routes).length > 0)
      .optional(),
    {
      description: 'several paths, each with a handler of its own, instead of path and handler',
      takes:
        'an object with at least one path, and for each its handler and, where it departs from the option of that name, handlerOptions, upgrade, origins, subprotocols and affinity',
    },
  ),
  workers: option(
    z
      .int()
      .min(0)
      .max(256)
      .default(() => Math.max(1, Math.ceil(usableCores()) - 1)),
    {
      description: 'worker threads; 0 runs the handler on the I/O thread',
      fallbackText: 'cores less one',
      takes: 'an integer from 0 to 256 (threads)',
      cli: { kind: 'integer', value: 'threads' },
    },
  ),
  origins: option(originSchema.default('same-origin'), {
    description: 'which Origin headers may connect: same-origin, *, or a list of origins',
    takes:
      '"same-origin", "*", a list of origins as browsers send them, such as https://example.com or https://*.example.com (no path, no ws: or wss:), a RegExp for the whole origin, or a function (origin, request) that returns true or false',
    cli: {
      kind: 'list',
      value: 'origins',
      takes: 'same-origin, *, or origins, such as https://example.com,https://*.example.com',
    },
  }),
  upgrade: option(upgradeSchema.optional(), {
    description:
      'decides on a handshake that the hub would let in, and says what is known of the connection (data)',
    takes: 'a function (request) that returns what to accept or reject with, or a promise of it',
  }),
  upgradeTimeoutMs: embedded(
    integer(
      1,
      3_600_000,
      5000,
      'ms',
      'longest time that the upgrade hook may take; the handshake is then answered with 503',
    ),
  ),
  maxPendingUpgrades: embedded(
    integer(
      1,
      1_000_000,
      1000,
      'handshakes',
      'handshakes that may wait for the upgrade hook; more are answered with 503',
    ),
  ),
  affinity: option(affinitySchema.optional(), {
    description:
      'connections with the same key go to the same worker: path, query:<name> or header:<name>; with =<key> behind it, that stands for a missing one',
    fallbackText: 'what a built-in handler brings, or the least loaded worker',
    takes:
      '"path", "query:<name>", "header:<name>", each of the latter with "=<key>" behind it if wanted, or a function (request, data) that returns a string or undefined',
    cli: {
      kind: 'string',
      value: 'key',
      takes: 'path, query:<name> or header:<name>, such as query:room or query:room=lobby',
    },
  }),
  subprotocols: option(subprotocolsSchema.default([]), {
    description: 'subprotocols in order of preference: the first one that a client offers is chosen',
    takes: 'a list of subprotocol names (tokens of RFC 9110)',
    cli: {
      kind: 'list',
      value: 'names',
      takes: 'names without spaces (tokens of RFC 9110), such as v2.chat,v1.chat',
    },
  }),
  compression: option(z.enum(['off', 'shared', 'dedicated']).default('off'), {
    description:
      'permessage-deflate: off, shared (no memory for each connection), or dedicated (the last 512 bytes of each are remembered, for about 100 KiB: better for small messages that are alike, worse for large ones)',
    takes: '"off", "shared" or "dedicated"',
    cli: { kind: 'string', value: 'mode' },
  }),
  compressionMinBytes: integer(0, 256 * MIB, 1024, 'bytes', 'messages below are sent uncompressed'),
  maxPayload: integer(
    1,
    256 * MIB,
    MIB,
    'bytes',
    'largest message that is taken; a larger one is answered with close code 1009',
  ),
  idleTimeout: option(IDLE_TIMEOUT, {
    description: 'a peer that is silent for so long is closed; pinged shortly before; 0 is never',
    takes: '0, or a multiple of 4 from 8 to 960 (seconds)',
    cli: { kind: 'integer', value: 'seconds' },
  }),
  sendPings: flag(true, 'ping a silent peer shortly before its idle timeout'),
  maxLifetime: integer(0, 240, 0, 'minutes', 'longest life of a connection; 0 is no limit'),
};
