// @ts-check
import { defineHandler } from 'shardhub/worker';
import { z } from 'zod';

const room = z.string().regex(/^[a-z0-9-]{1,50}$/);
const position = z.strictObject({ offset: z.int().min(0), epoch: z.string() });
const requestSchema = z.union([
  z.strictObject({ join: room, since: position.optional() }),
  z.strictObject({ say: z.string().max(1000), to: room, id: z.string().min(1).max(100) }),
]);

export default defineHandler({
  async message(connection, message) {
    const request = requestSchema.safeParse(message.json());
    if (!request.success)
      return JSON.stringify({ error: 'send {"join": room, "since"?} or {"say": text, "to": room, "id"}' });
    const { data } = request;
    if ('join' in data) {
      const topic = `room:${data.join}`;
      const options = data.since === undefined ? {} : { since: data.since };
      // What was missed is on its way before this resolves.
      const { recovered, missed, offset, epoch } = await connection.subscribe(topic, options);
      const { connections } = await connection.presenceStats(topic);
      return JSON.stringify({ joined: data.join, recovered, missed, offset, epoch, connections });
    }
    try {
      // The id makes it harmless to say it again when nobody knows whether it was heard.
      await connection.publish(`room:${data.to}`, JSON.stringify(data.say), { toSelf: true, id: data.id });
      return JSON.stringify({ said: data.id });
    } catch {
      return JSON.stringify({ again: data.id });
    }
  },
});
