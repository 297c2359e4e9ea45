/** The engine as the hub sets it up, for the controls that use it without the hub. */
const namespace = await import('uWebSockets.js');
export const uWS = namespace.default ?? namespace;

/** What the hub gives the engine with its default options, so that nothing else differs. */
export const WEBSOCKET_OPTIONS = {
  compression: uWS.DISABLED,
  maxPayloadLength: 2 * 1024 * 1024,
  idleTimeout: 60,
  maxBackpressure: 0,
};

/** Listens on a free port of the loopback address. @returns {Promise<number>} the port */
export function listen(app) {
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, 1, (token) => {
      if (token) resolve(uWS.us_socket_local_port(token));
      else reject(new Error('cannot listen'));
    });
  });
}

/** Calls back with the whole body of a request. */
export function readBody(response, onBody) {
  const parts = [];
  response.onAborted(() => {});
  response.onData((chunk, isLast) => {
    // The chunk is the engine's: it is gone when this returns.
    if (isLast && parts.length === 0) return onBody(chunk);
    parts.push(Buffer.from(chunk.slice(0)));
    if (isLast) onBody(Buffer.concat(parts));
  });
}
