/** Options of topics, and of what a hub shares with others. */
import { hostname } from 'node:os';
import { z } from 'zod';
import { type HubBroker, MAKE_BROKER } from '../api/broker.js';
import { isServerUrl, NAME_PREFIX, NATS_PROTOCOL, REDIS_PROTOCOL } from '../util/address.js';
import { option } from './meta.js';

const DAY_MS = 86_400_000;
/** Without one: so long may a client be away and lose nothing. */
const TTL_MS = 300_000;

const historySchema = z.strictObject({
  size: z.int().min(1).max(100_000).describe('publications that are kept, from 1 to 100000'),
  ttlMs: z
    .int()
    .min(1000)
    .max(30 * DAY_MS)
    .default(TTL_MS)
    .describe('how long each is kept, in ms, from 1000 to 2592000000 (30 days); default: 300000'),
});

const topicSchema = z
  .strictObject({
    history: historySchema
      .optional()
      .describe('what is kept of it: then publications have positions, and subscribers can resume'),
    presence: z.boolean().default(false).describe('tell who is subscribed; default: false'),
    joinLeave: z
      .boolean()
      .default(false)
      .describe(
        'tell a user’s first and last connection: events join and leave, and frames with an envelope; needs presence; default: false',
      ),
    conflate: z
      .boolean()
      .default(false)
      .describe('a subscriber that does not keep up is sent the newest publication only; default: false'),
    envelope: z
      .literal('json')
      .optional()
      .describe(
        'send each publication as a text frame {"topic", "offset", "epoch", "data"}; default: as it was published',
      ),
  })
  .refine(({ presence, joinLeave }) => presence || !joinLeave, {
    path: ['joinLeave'],
    message: 'needs presence: true',
  });

/** `nats://host`, and more of them for the same engine behind commas; or a supervisor's for its processes, `relay:` and a path. */
function isBrokerUrl(text: string): boolean {
  if (text.startsWith('relay:/')) return true;
  return [NATS_PROTOCOL, REDIS_PROTOCOL].some((protocol) =>
    text.split(',').every((url) => isServerUrl(url, protocol)),
  );
}
const brokerUrl = z.string().refine(isBrokerUrl);
const path = z.string().min(1);
const brokerSchema = z.strictObject({
  url: brokerUrl.describe(
    'nats:// or tls:// (NATS), redis:// or rediss:// (Redis, Valkey; also valkey:// and valkeys://), with a port if it is not the usual one; several servers of a cluster separated by commas',
  ),
  tls: z
    .strictObject({
      ca: path.optional().describe('path of the authority’s certificate (PEM)'),
      key: path.optional().describe('path of this client’s key (PEM)'),
      cert: path.optional().describe('path of this client’s certificate (PEM)'),
    })
    .optional()
    .describe('for a server with an authority of its own, or one that asks for a certificate'),
  prefix: z
    .string()
    .regex(NAME_PREFIX)
    .optional()
    .describe(
      'what every name on the server begins with, 1 to 32 letters, digits, _ and -: hubs with different ones do not meet; default: sh',
    ),
  raw: z
    .boolean()
    .default(false)
    .describe(
      'take what other programs publish on the names of topics as it is, see docs/cluster.md; default: false',
    ),
  replicas: z
    .int()
    .min(1)
    .max(5)
    .optional()
    .describe('copies of histories in a cluster of NATS servers, from 1 to 5; default: 1'),
});

const isMade = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && MAKE_BROKER in value;
/** Nothing that a file can have. */
const madeBroker = z.custom<HubBroker>(isMade).meta({ not: {} });

export const clusterOptions = {
  broker: option(z.union([brokerUrl, madeBroker, brokerSchema]).optional(), {
    description:
      'the server that connects this hub with others: topics, users and presence are then those of all of them; see docs/cluster.md',
    takes:
      'a URL such as nats://10.0.0.5:4222 or redis://10.0.0.5:6379 (several servers of a cluster separated by commas), an object with url, tls (ca, key, cert), prefix, replicas and raw (true or false), or what natsBroker of shardhub/nats or redisBroker of shardhub/redis makes',
    cli: {
      kind: 'string',
      value: 'url',
      takes:
        'nats://, tls://, redis:// or rediss:// with a host, such as nats://10.0.0.5:4222; several servers of a cluster separated by commas',
    },
  }),
  brokerCredentialsFile: option(path.optional(), {
    description:
      'a file with what the broker asks for: user:password, a password (Redis), NATS credentials (JWT and seed), an NKEY seed, or a token (NATS)',
    takes: 'the path of a file',
    cli: { kind: 'string', value: 'path' },
  }),
  nodeName: option(
    z
      .string()
      .min(1)
      .max(100)
      .default(() => hostname()),
    {
      description: 'what this hub is called where hubs are listed (cluster.nodes())',
      fallbackText: 'the name of the machine',
      takes: 'a text of 1 to 100 characters',
      cli: { kind: 'string', value: 'name' },
    },
  ),
  topics: option(z.record(z.string().min(1).max(255), topicSchema).default({}), {
    description:
      'what topics keep and tell, by pattern, in which * stands for any text; the first pattern that fits a topic counts',
    fallbackText: 'none',
    takes:
      'an object with, for each pattern, history (size, from 1 to 100000, and ttlMs, from 1000 to 2592000000), presence, joinLeave (needs presence), conflate (true or false) and envelope ("json")',
    cli: {
      kind: 'json',
      value: 'json|file',
      takes:
        'JSON, or the path of a file with it, such as {"chat:*": {"history": {"size": 300}, "presence": true}}',
    },
  }),
};
