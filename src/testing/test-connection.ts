/** A connection in a test's hand. I/O thread. */
import type { HubConnection } from '../api/connection.js';
import { HubError } from '../api/errors.js';
import type { Payload } from '../api/payload.js';
import type { Closed, Inbox } from './inbox.js';
import type { Peer, Received } from './peer.js';

/** A client's end of a connection to the handler under test. */
export class TestConnection<Data = unknown> {
  readonly #peer: Peer;
  readonly #inbox: Inbox;
  /** The same connection as the hub's application has it: its `id`, `topics`, `bufferedBytes`, and `send` and `close`. */
  readonly handle: HubConnection<Data>;

  /** @internal */
  constructor(peer: Peer, inbox: Inbox, handle: HubConnection<Data>) {
    this.#peer = peer;
    this.#inbox = inbox;
    this.handle = handle;
  }

  /** As the handler knows it. */
  get id(): string {
    return this.handle.id;
  }

  /** Messages that the peer got and `next` has not taken, oldest first. */
  get received(): readonly Received[] {
    return this.#inbox.received;
  }

  /** Resolves when the connection has ended, for whatever reason: 1006 when there was no close frame. */
  get closed(): Promise<Closed> {
    return this.#inbox.closed;
  }

  /**
   * Sends a message: a string as a text frame, bytes as a binary frame. In memory it resolves once the handler has it, or
   * it waits for its turn; over a socket, once it is on its way.
   *
   * @throws HubError `ERR_CONNECTION_CLOSED` when it is over, as far as its peer knows (rejection)
   */
  async send(data: Payload): Promise<void> {
    if (this.#inbox.isClosed) throw new HubError('ERR_CONNECTION_CLOSED', 'the connection is closed');
    await this.#peer.send(data);
  }

  /**
   * The next message that the peer gets: a string for a text frame, bytes for a binary one.
   *
   * @throws Error when the connection is over and none is left; it names the close code, and the handler's error if there
   * is one (rejection)
   */
  next(): Promise<Received> {
    return this.#inbox.next();
  }

  /** Closes as a client does. Resolves when the connection has ended. @param code 1000 by default */
  close(code = 1000, reason = ''): Promise<Closed> {
    this.#peer.close(code, reason);
    return this.#inbox.closed;
  }

  /** The peer is gone: no close frame, and nothing more is read. */
  cut(): Promise<Closed> {
    this.#peer.cut();
    return this.#inbox.closed;
  }

  /** The peer reads nothing any more; what it is sent waits. */
  stall(): void {
    this.#peer.stall();
  }

  /** The peer reads again. */
  resume(): void {
    this.#peer.resume();
  }
}
