/**
 * The engine, with a NATS client that hands it what another process publishes. With `thread`, the client is on a thread of its
 * own and posts what it has read, once in each turn of its loop. The CPU is this process's.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { connect } from '@nats-io/transport-node';
import { announce } from './support/control.mjs';
import { listen, uWS, WEBSOCKET_OPTIONS } from './support/engine.mjs';
import { startNats, startPart } from './support/parts.mjs';
import { obey, Steady, steadyCommands } from './support/steady.mjs';

const [count, place, role, url] = process.argv.slice(2);
const subjectOf = (topic) => `bench.topic${topic}`;
const topicOf = (subject) => subject.slice('bench.'.length);

if (!isMainThread)
  await read(
    workerData,
    batches((batch) => parentPort.postMessage(batch)),
  );
else if (role === 'publisher') {
  const connection = await connect({ servers: url });
  obey(new Steady((topic, message) => connection.publish(subjectOf(topic), message)));
} else await serve();

async function serve() {
  const app = uWS.App();
  const servers = await startNats();
  const { child } = await startPart(import.meta.url, count, place, 'publisher', servers);
  const onMessage = (topic, data) => void app.publish(topic, data, true);
  if (place === 'thread') {
    const thread = new Worker(new URL(import.meta.url), { workerData: servers });
    await new Promise((resolve) => thread.once('message', resolve));
    thread.on('message', (batch) => {
      for (const [topic, data] of batch) onMessage(topic, data);
    });
  } else await read(servers, onMessage);
  let next = 0;
  app.ws('/ws', {
    ...WEBSOCKET_OPTIONS,
    open: (socket) => {
      if (next === Number(count)) return;
      socket.subscribe(`topic${next++}`);
      socket.send('ready');
    },
  });
  announce(await listen(app), steadyCommands(child));
}

async function read(servers, onMessage) {
  const connection = await connect({ servers });
  connection.subscribe('bench.>', {
    callback: (_, { subject, data }) => onMessage(topicOf(subject), data),
  });
  await connection.flush();
  parentPort?.postMessage([]);
}

/** Gathers what comes in one turn of the loop. */
function batches(post) {
  let batch = [];
  const flush = () => {
    post(batch);
    batch = [];
  };
  return (topic, data) => {
    if (batch.length === 0) setImmediate(flush);
    // The client's buffer has other messages in it too.
    batch.push([topic, data.slice()]);
  };
}
