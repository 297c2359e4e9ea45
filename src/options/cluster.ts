/** Options of topics, and of what a hub shares with others. */
import { z } from 'zod';
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

export const clusterOptions = {
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
