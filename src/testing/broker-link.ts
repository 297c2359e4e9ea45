/**
 * A way to a broker's server that a test can slow down, stall and cut: a TCP proxy on a free port of the loopback, in front
 * of a real server. It knows nothing of what passes. Any thread.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { HubError } from '../api/errors.js';
import { Prng } from './prng.js';

/** Of URLs that say none. */
const DEFAULT_PORTS: Record<string, number> = {
  'nats:': 4222,
  'tls:': 4222,
  'redis:': 6379,
  'rediss:': 6379,
};

/** Made by {@link Faults.linkBroker}. */
export class BrokerLink {
  /** For `broker.url` of the hub: what was given, but by way of this link. */
  readonly url: string;
  readonly #server: Server;
  readonly #random: Prng;
  readonly #sockets = new Set<Socket>();
  #delayMs: readonly [min: number, max: number] = [0, 0];
  #isCut = false;
  /** While nothing passes: what passes once it does. */
  #stalled: (() => void)[] | undefined = undefined;

  private constructor(url: string, server: Server, random: Prng) {
    this.url = url;
    this.#server = server;
    // Of its own: how many pieces there are is up to the network, and is not to change what the run draws.
    this.#random = new Prng(random.int(0, 2 ** 32 - 1));
  }

  /** @throws HubError `ERR_ARGUMENT` for what is no URL of one server (rejections) */
  static async open(url: string, random: Prng): Promise<BrokerLink> {
    const to = URL.canParse(url) ? new URL(url) : undefined;
    const port = Number(to?.port) || DEFAULT_PORTS[to?.protocol ?? ''];
    if (to === undefined || port === undefined)
      throw new HubError(
        'ERR_ARGUMENT',
        `linkBroker got ${JSON.stringify(url)} but takes the URL of one server, like nats://127.0.0.1:4222`,
      );
    const host = to.hostname.replace(/^\[(.*)\]$/, '$1');
    const server = createServer((client) => link.#join(client, connect(port, host)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    to.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const link = new BrokerLink(to.href, server, random);
    return link;
  }

  /** Each piece that passes waits, and what comes behind it with it: for so many ms, or between two numbers of them. 0 is no more. */
  delay(ms: number | readonly [min: number, max: number]): void {
    this.#delayMs = typeof ms === 'number' ? [ms, ms] : ms;
  }

  /** Nothing passes any more, and nobody is told: as on a network that loses every packet. What was sent waits. */
  stall(): void {
    this.#stalled ??= [];
  }

  /** Ends all connections, and refuses new ones: as if the server had gone. What waited is lost. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** All passes again. */
  mend(): void {
    this.#isCut = false;
    this.#delayMs = [0, 0];
    const waiting = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const pass of waiting) pass();
  }

  /** Ends it, with its connections. */
  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, server: Socket): void {
    const both = [client, server] as const;
    for (const socket of both) {
      this.#sockets.add(socket);
      // The end of one is that of the other, however it came.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    client.pipe(this.#gate()).pipe(server);
    server.pipe(this.#gate()).pipe(client);
    if (this.#isCut) client.destroy();
  }

  /** Lets one piece pass after the other. */
  #gate(): Transform {
    const pass = (done: () => void): void => {
      if (this.#stalled === undefined) done();
      else this.#stalled.push(() => pass(done));
    };
    return new Transform({
      transform: (piece, _encoding, callback) => {
        const ms = this.#random.int(...this.#delayMs);
        const next = () => pass(() => callback(null, piece));
        if (ms > 0) setTimeout(next, ms);
        else next();
      },
    });
  }
}
