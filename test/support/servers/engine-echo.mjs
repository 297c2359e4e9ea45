/** Child process of engine.ts: an echo server that is uWebSockets.js and nothing else. */
const namespace = await import('uWebSockets.js');
const uWS = namespace.default ?? namespace;

const app = uWS.App();
app.ws('/ws', {
  maxPayloadLength: Number(process.argv[2]),
  // Longer than a test: an end that comes of silence alone is none that a case asks for.
  idleTimeout: 120,
  maxBackpressure: 0,
  compression: uWS.DISABLED,
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
app.listen('127.0.0.1', 0, 1, (token) => {
  if (!token) throw new Error('cannot listen');
  process.send({ port: uWS.us_socket_local_port(token) });
});
// Without its parent nobody needs it.
process.once('disconnect', () => process.exit());
