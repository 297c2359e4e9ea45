/** An engine without sockets: connections are made by calls, and everything behind them is the hub's own. I/O thread. */
import { HubError } from '../api/errors.js';
import type { HandshakeRequest } from '../api/handshake-request.js';
import type {
  Engine,
  EngineServer,
  EngineServerHost,
  EngineServerOptions,
} from '../hub/engine/engine-port.js';
import { MemorySocket } from './memory-socket.js';
import type { PeerEvents } from './peer.js';

export class MemoryEngine implements Engine {
  /** Whose ways it has. */
  readonly name = 'uws';
  readonly canPause = false;
  readonly #sockets = new Set<MemorySocket>();
  #host: EngineServerHost | undefined;
  #maxMessageBytes = 0;
  #isListening = false;

  async load(): Promise<void> {}

  async create({ maxPayload }: EngineServerOptions, host: EngineServerHost): Promise<EngineServer> {
    this.#host = host;
    // As the engines of sockets do.
    this.#maxMessageBytes = 2 * maxPayload;
    return {
      listen: async () => {
        this.#isListening = true;
        return 0;
      },
      reloadTls: () => Promise.reject(new HubError('ERR_TLS', 'there is no certificate to reload')),
      pauseListening: () => {
        this.#isListening = false;
      },
      resumeListening: async () => {
        this.#isListening = true;
      },
      stopListening: () => {
        this.#isListening = false;
      },
      close: () => {
        for (const socket of this.#sockets) socket.cut();
      },
    };
  }

  /** @throws HubError `ERR_UPGRADE` when the handshake is refused, with the status */
  connect(request: HandshakeRequest, events: PeerEvents): Promise<MemorySocket> {
    return new Promise((resolve, reject) => {
      const refuse = (why: string) =>
        reject(new HubError('ERR_UPGRADE', `the handshake was refused: ${why}`));
      if (!this.#isListening || this.#host === undefined) return refuse('the hub does not listen');
      const host = this.#host;
      host.onHandshake({
        request,
        defer: () => {},
        refuse: ({ status, body }) => refuse(`${status}, ${body}`),
        accept: (acceptance) => {
          const socket = new MemorySocket(events, this.#maxMessageBytes, () => this.#sockets.delete(socket));
          this.#sockets.add(socket);
          socket.open(host.onOpen(socket, acceptance));
          resolve(socket);
        },
      });
    });
  }
}
