/** A hub with a NATS broker: `subscribe <topics>` subscribes those connections to them, half with history, that have none yet. */
import { createHub } from 'shardhub';
import { announce } from './support/control.mjs';
import { startNats } from './support/parts.mjs';

const topics = { 'kept*': { history: { size: 100 } } };
const hub = await createHub({ port: 0, ...JSON.parse(process.argv[2]), topics, broker: await startNats() });
const done = new Set();

announce(hub.port, {
  subscribe: (count) => {
    for (const connection of hub.connections()) {
      if (done.has(connection.id)) continue;
      done.add(connection.id);
      for (let i = 0; i < count; i++) connection.subscribe(`${i % 2 === 0 ? 'plain' : 'kept'}${i}`);
    }
  },
});
