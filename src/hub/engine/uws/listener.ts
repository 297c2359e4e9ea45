/** Where an engine app listens: a TCP port or a Unix socket. */
import type { ListenOptions } from '../engine-port.js';
import { cannotListenOn, explainListenFault } from '../listen-fault.js';
import {
  cannotListen,
  checkSocket,
  clearSocketPath,
  identifySocket,
  removeSocket,
  type SocketFile,
} from '../unix-socket.js';
import type { Uws, UwsApp, UwsListenToken } from './uws.js';

/** The engine's name for "no other process may listen on this port". */
const LIBUS_LISTEN_EXCLUSIVE_PORT = 1;
const LIBUS_LISTEN_DEFAULT = 0;
/** How often another process may take the port that was just found free. */
const MAX_TRIES = 10;

export class Listener {
  readonly #uws: Uws;
  readonly #options: ListenOptions;
  #token: UwsListenToken | undefined;
  /** The one it listens on, once it does. */
  #port: number;
  #file: SocketFile | undefined;
  #isPaused = false;

  constructor(uws: Uws, options: ListenOptions) {
    this.#uws = uws;
    this.#options = options;
    this.#port = options.port;
  }

  get isOpen(): boolean {
    return this.#token !== undefined || this.#isPaused;
  }

  /**
   * Starts to listen.
   *
   * @returns the port; 0 for a Unix socket
   * @throws HubError `ERR_LISTEN` that names the address, when it is in use or not this machine's
   */
  async open(app: UwsApp): Promise<number> {
    const { unixSocket } = this.#options;
    if (unixSocket !== undefined) await clearSocketPath(unixSocket);
    const isAnywhere = unixSocket === undefined && this.#port === 0;
    try {
      this.#token = isAnywhere ? this.#listenAnywhere(app) : this.#reopen(app);
    } catch (error) {
      if (unixSocket !== undefined) throw error;
      const { host } = this.#options;
      throw cannotListenOn(host, this.#port, await explainListenFault(host, this.#port));
    }
    return unixSocket === undefined ? this.#port : 0;
  }

  /**
   * Listens for another app at the same place. A connection that is made at this very moment may be refused; those
   * that are open stay with their app.
   *
   * @throws HubError `ERR_LISTEN` when that fails; `from` then listens again
   */
  move(from: UwsApp, to: UwsApp): void {
    if (this.#isPaused) return;
    const before = this.#token;
    // Two may listen on a port that is shared: then there is no gap.
    const isOverlapping = this.#options.sharePort && this.#options.unixSocket === undefined;
    if (!isOverlapping) this.#closeToken();
    try {
      this.#token = this.#reopen(to);
    } catch (error) {
      if (!isOverlapping) this.#token = this.#reopen(from);
      throw error;
    }
    if (isOverlapping && before !== undefined) this.#uws.us_listen_socket_close(before);
  }

  /** Takes no connection until it is resumed. */
  pause(): void {
    this.#isPaused = this.isOpen;
    this.#closeToken();
  }

  /** @throws HubError `ERR_LISTEN` when the place has been taken */
  resume(app: UwsApp): void {
    if (!this.#isPaused) return;
    if (this.#file !== undefined) checkSocket(this.#file);
    this.#token = this.#reopen(app);
    this.#isPaused = false;
  }

  /** Takes no connection any more. */
  close(): void {
    this.#isPaused = false;
    this.#closeToken();
    if (this.#file !== undefined) removeSocket(this.#file);
    this.#file = undefined;
  }

  #reopen(app: UwsApp): UwsListenToken {
    const { unixSocket } = this.#options;
    return unixSocket === undefined ? this.#listen(app, this.#port) : this.#listenUnix(app, unixSocket);
  }

  #closeToken(): void {
    if (this.#token !== undefined) this.#uws.us_listen_socket_close(this.#token);
    this.#token = undefined;
  }

  /**
   * Listens on a free port. Where the engine chooses one itself, it leaves out SO_REUSEADDR, and connections that have
   * ended would keep the port from being listened on again for a minute.
   */
  #listenAnywhere(app: UwsApp): UwsListenToken {
    for (let tries = 1; ; tries++) {
      const chosen = this.#listen(app, 0);
      this.#port = this.#uws.us_socket_local_port(chosen);
      this.#uws.us_listen_socket_close(chosen);
      try {
        return this.#listen(app, this.#port);
      } catch (error) {
        if (tries === MAX_TRIES) throw error;
      }
    }
  }

  #listen(app: UwsApp, port: number): UwsListenToken {
    const { host, sharePort } = this.#options;
    const mode = sharePort ? LIBUS_LISTEN_DEFAULT : LIBUS_LISTEN_EXCLUSIVE_PORT;
    let token: UwsListenToken | false = false;
    // The engine calls back inside the call.
    app.listen(host, port, mode, (result) => {
      token = result;
    });
    if (token !== false) return token;
    throw cannotListenOn(host, port, 'the port is in use, or the address is not one of this machine');
  }

  #listenUnix(app: UwsApp, path: string): UwsListenToken {
    let token: UwsListenToken | false = false;
    app.listen_unix((result) => {
      token = result;
    }, path);
    if (token === false) {
      throw cannotListen(path, 'its folder does not exist or is not writable');
    }
    this.#file = identifySocket(path);
    return token;
  }
}
