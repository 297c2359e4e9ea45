/** Where a server of node:net listens: a TCP port or a Unix socket. */
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { type AddressInfo, createServer, Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { HubError } from '../../../api/errors.js';
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

export class NodeListener {
  readonly #server: Server;
  readonly #options: ListenOptions;
  /** The one it listens on, once it does. */
  #port: number;
  #file: SocketFile | undefined;
  #isOpen = false;

  /** @param server makes connections of what is accepted; it is listened with anew after each pause */
  constructor(server: Server, options: ListenOptions) {
    this.#server = server;
    this.#options = options;
    this.#port = options.port;
  }

  /** False before it listens, and once it is closed for good. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @see EngineServer.listen */
  async open(): Promise<number> {
    const { unixSocket, sharePort, host } = this.#options;
    if (unixSocket !== undefined) await clearSocketPath(unixSocket);
    else if (sharePort && !(await canShare())) throw cannotListenOn(host, this.#port, CANNOT_SHARE);
    this.#isOpen = true;
    await this.#listen();
    return unixSocket === undefined ? this.#port : 0;
  }

  /** Takes no connection until it is resumed. */
  pause(): void {
    if (!this.#server.listening) return;
    // That of node:http would end connections that have no request at the moment. In Bun there is no other.
    const { close } = this.#server instanceof Server ? Server.prototype : this.#server;
    close.call(this.#server);
  }

  /** @see EngineServer.resumeListening */
  async resume(): Promise<void> {
    if (!this.#isOpen || this.#server.listening) return;
    if (this.#file !== undefined) checkSocket(this.#file);
    await this.#listen();
  }

  /** Takes no connection any more. */
  close(): void {
    this.#isOpen = false;
    this.pause();
    if (this.#file !== undefined) removeSocket(this.#file);
    this.#file = undefined;
  }

  async #listen(): Promise<void> {
    const { unixSocket, host, sharePort } = this.#options;
    if (unixSocket !== undefined) await this.#listenUnix(unixSocket);
    else {
      const place = { host, port: this.#port, exclusive: true, reusePort: sharePort };
      await listen(this.#server, place).catch(async () => {
        throw cannotListenOn(host, this.#port, await explainListenFault(host, this.#port));
      });
      this.#port = (this.#server.address() as AddressInfo).port;
    }
    // It was closed meanwhile.
    if (!this.#isOpen) this.close();
  }

  /** libuv removes what is at the path that it was given when it stops to listen, whoever has put it there. */
  async #listenUnix(path: string): Promise<void> {
    const name = `.${randomBytes(12).toString('base64url')}`.slice(0, Math.max(5, basename(path).length));
    const given = join(dirname(path), name);
    try {
      await listen(this.#server, { path: given });
      renameSync(given, path);
    } catch (thrown) {
      throw this.#failUnix(path, thrown);
    }
    this.#file = identifySocket(path);
  }

  #failUnix(path: string, cause: unknown): HubError {
    this.pause();
    return cannotListen(path, 'its folder does not exist or is not writable', cause);
  }
}

const CANNOT_SHARE =
  'sharePort (SO_REUSEPORT) cannot be had here: with the engine "node" it needs Node.js 22.12, 23.1 or newer';

type Place = Parameters<Server['listen']>[0] & { readonly reusePort?: boolean };

function listen(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(place, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Older versions of Node.js take no notice of `reusePort`: asked by listening twice. */
async function canShare(): Promise<boolean> {
  const [first, second] = [createServer(), createServer()];
  try {
    const place = { host: '127.0.0.1', port: 0, exclusive: true, reusePort: true };
    await listen(first, place);
    await listen(second, { ...place, port: (first.address() as AddressInfo).port });
    return true;
  } catch {
    return false;
  } finally {
    first.close();
    second.close();
  }
}
