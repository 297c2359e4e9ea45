/** The options about where a hub listens and whom it lets in; part of the one schema. */
import { z } from 'zod';
import { isNetwork } from './network.js';
import { embedded, flag, integer, MIB, option } from './option.js';
import type { OriginCheck, UpgradeHook } from './upgrade.js';

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** `https://*.example.com` stands for every name below, `:*` for every port. */
const originEntry = z.union([
  z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/(\*\.)?[^/*\s]+$/i),
  z.instanceof(RegExp),
]);
const originSchema = z.union([
  z.enum(['same-origin', '*']),
  z.instanceof(RegExp),
  z.array(originEntry).min(1),
  z.custom<OriginCheck>(isFunction),
]);

/** RFC 9110 §5.6.2, as RFC 6455 §4.1 asks. */
const subprotocol = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);

const filePath = z.string().min(1);
/** What the kernels' own structure holds, on macOS; the engine writes past the end of it. */
const socketPath = filePath.refine((path) => Buffer.byteLength(path) <= 103 && !path.includes('\0'));
const tlsSchema = z.strictObject({ key: filePath, cert: filePath, passphrase: z.string().optional() });

const trustProxySchema = z.union([
  z.literal(false),
  z.int().min(0).max(100),
  z.array(z.string().refine(isNetwork)).min(1),
]);

/** Where it listens. */
export const listenOptions = {
  unixSocket: option(socketPath.optional(), {
    description: 'path of a Unix socket to listen on instead of host and port',
    takes:
      'a path of at most 103 bytes, in a folder that exists, where nothing is or a socket that nobody listens on',
    cli: { kind: 'string', value: 'path' },
  }),
  tls: option(tlsSchema.optional(), {
    description: 'paths of PEM files: the private key and the certificate (with its chain)',
    takes: 'key and cert (paths of PEM files), and the passphrase of an encrypted key',
    cli: {
      kind: 'fields',
      fields: {
        key: 'path of the private key (PEM): serves https and wss',
        cert: 'path of the certificate (PEM), followed by its chain',
        passphrase: 'of an encrypted private key; better given as a variable',
      },
    },
  }),
  proxyProtocol: flag(
    false,
    'take a peer’s address from the header of the PROXY protocol, version 2; only behind a proxy that always sends it',
  ),
  trustProxy: option(trustProxySchema.default(false), {
    description:
      'proxies whose X-Forwarded-For is believed: how many stand before the hub, or a list of their addresses and networks (default: none)',
    takes:
      'false, an integer from 0 to 100 (proxies), or a list of IP addresses and networks such as 10.0.0.0/8',
    cli: { kind: 'list', value: 'hops|networks' },
  }),
};

/** Whom it lets in, and what is agreed on. */
export const handshakeOptions = {
  origins: option(originSchema.default('same-origin'), {
    description: 'which Origin headers may connect: same-origin, *, or a list of origins',
    takes:
      '"same-origin", "*", a list of origins such as https://example.com or https://*.example.com, a RegExp for the whole origin, or a function (origin, request) that returns true or false',
    cli: { kind: 'list', value: 'origins' },
  }),
  upgrade: option(z.custom<UpgradeHook>(isFunction).optional(), {
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
  subprotocols: option(z.array(subprotocol).default([]), {
    description:
      'subprotocols in order of preference: the first one that a client offers is chosen (default: none)',
    takes: 'a list of subprotocol names (tokens of RFC 9110)',
    cli: { kind: 'list', value: 'names' },
  }),
  compression: option(z.enum(['off', 'shared', 'dedicated']).default('off'), {
    description:
      'permessage-deflate: off, shared (no memory for each connection), or dedicated (a window for each: better, about 100 KiB)',
    takes: '"off", "shared" or "dedicated"',
    cli: { kind: 'string', value: 'mode' },
  }),
  compressionMinBytes: integer(0, 256 * MIB, 1024, 'bytes', 'messages below are sent uncompressed'),
};
