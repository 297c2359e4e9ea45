/**
 * A WebSocket of the hub with itself. A handshake that is answered later than in the engine's callback has to be answered
 * inside the cork of another socket, which this one always is: inside its own the engine may end the new WebSocket at
 * once, and outside of any it writes a warning to stderr. I/O thread.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Uws, UwsApp, UwsSocket } from './uws.js';

const HOST = '127.0.0.1';

export class Anchor {
  readonly #app: UwsApp;
  readonly #client: Socket;
  #socket: UwsSocket | undefined;

  private constructor(app: UwsApp, client: Socket) {
    this.#app = app;
    this.#client = client;
  }

  /** Undefined where a process may not connect to itself. */
  static async open(uws: Uws): Promise<Anchor | undefined> {
    const app = uws.App();
    // Nobody else knows the path; the port is open until the connection is.
    const path = `/${randomBytes(16).toString('hex')}`;
    let anchor: Anchor | undefined;
    const onClose = () => {
      if (anchor !== undefined) anchor.#socket = undefined;
    };
    const opened = new Promise<UwsSocket>((resolve) => serve(uws, app, path, resolve, onClose));
    let token: Parameters<Uws['us_listen_socket_close']>[0] | undefined;
    // The engine calls back inside the call.
    app.listen(HOST, 0, 0, (result) => {
      token = result || undefined;
    });
    if (token === undefined) return undefined;
    const client = connect(uws.us_socket_local_port(token), HOST);
    anchor = new Anchor(app, client);
    try {
      const failed = new Promise<undefined>((resolve) => client.once('close', () => resolve(undefined)));
      client.on('error', () => {});
      client.write(handshake(path));
      anchor.#socket = await Promise.race([opened, failed]);
    } finally {
      uws.us_listen_socket_close(token);
    }
    client.resume().unref();
    if (anchor.#socket !== undefined) return anchor;
    anchor.close();
    return undefined;
  }

  /** Runs work inside its cork. False when it has been cut, and nothing was run. */
  cork(work: () => void): boolean {
    const socket = this.#socket;
    socket?.cork(work);
    return socket !== undefined;
  }

  close(): void {
    this.#client.destroy();
    this.#app.close();
  }
}

function serve(
  uws: Uws,
  app: UwsApp,
  path: string,
  onOpen: (socket: UwsSocket) => void,
  onClose: () => void,
): void {
  const ignore = () => {};
  app.ws(path, {
    maxPayloadLength: 16,
    // It stays, in silence.
    idleTimeout: 0,
    sendPingsAutomatically: false,
    maxLifetime: 0,
    maxBackpressure: 0,
    closeOnBackpressureLimit: false,
    compression: uws.DISABLED,
    upgrade: (res, req, context) => res.upgrade({}, req.getHeader('sec-websocket-key'), '', '', context),
    open: onOpen,
    message: ignore,
    ping: ignore,
    pong: ignore,
    drain: ignore,
    close: onClose,
  });
}

/** RFC 6455 §4.1. */
function handshake(path: string): string {
  const key = randomBytes(16).toString('base64');
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${HOST}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
