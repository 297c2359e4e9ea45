/**
 * What `publish-crossing` does by NATS, without shardhub: the same client publishes here, and in another process it hands
 * what comes to the engine, whose subscribers are all of one topic. The CPU is that of all processes.
 *
 * Argument: `history` to publish to a stream of JetStream, which publishes what it has stored.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';
import { numbered } from './support/numbered.mjs';
import { cpuOfAll, startNats, startPart } from './support/parts.mjs';

const [kind, role, url] = process.argv.slice(2);
const [STORED, LIVE] = ['bench.stored', 'bench.live'];

if (role === 'subscribers') {
  const app = uWS.App();
  const connection = await connect({ servers: url });
  const callback = (_, { data }) => void app.publish('topic', data, true);
  connection.subscribe(LIVE, { callback });
  await connection.flush();
  app.ws('/ws', {
    ...WEBSOCKET_OPTIONS,
    open: (socket) => {
      socket.subscribe('topic');
      socket.send('ready');
    },
  });
  process.send({ port: await listen(app) });
} else {
  const servers = await startNats();
  const connection = await connect({ servers });
  const next = numbered();
  const publish =
    kind === 'history' ? await intoStream(connection) : (bytes) => connection.publish(LIVE, bytes);
  const { port } = await startPart(import.meta.url, kind, 'subscribers', servers);
  announce(port, {
    publish: (bytes, count = 1) => {
      for (let i = 0; i < count; i++) publish(next(Number(bytes)));
    },
    cpu: cpuOfAll,
  });
}

/** As the hub's streams are. */
async function intoStream(connection) {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: 'bench',
    subjects: [STORED],
    max_msgs_per_subject: 1001,
    republish: { src: STORED, dest: LIVE },
  });
  const client = jetstream(connection);
  return (bytes) => void client.publish(STORED, bytes);
}
