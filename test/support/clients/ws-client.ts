/** A well-behaved client: the `ws` package with promises. Everything that arrives is kept until a test asks for it. */
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';

export interface Received {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class WsClient {
  readonly socket: WebSocket;
  /** Settles when the connection is over. */
  readonly closed: Promise<Closed>;
  readonly #inbox: Received[] = [];
  #end: Closed | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      this.#inbox.push({ data: data as Buffer, isBinary });
      this.#wake?.();
    });
    // An error is always followed by a close, which is what tests look at.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        this.#wake?.();
        resolve(this.#end);
      });
    });
  }

  /** Resolves once open; rejects when refused. The connection does not outlive its test. */
  static connect(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<WsClient> {
    const { protocols, ...rest } = options;
    const socket = new WebSocket(url, protocols ?? [], { perMessageDeflate: false, ...rest });
    const client = new WsClient(socket);
    onTestFinished(() => socket.terminate());
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(client));
      socket.once('error', reject);
    });
  }

  /** Messages that came and were not asked for yet. */
  get waiting(): number {
    return this.#inbox.length;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next message. Rejects when the connection ends before one comes. */
  async next(): Promise<Received> {
    for (;;) {
      const message = this.#inbox.shift();
      if (message) return message;
      if (this.#end)
        throw new Error(`closed with ${this.#end.code} ${this.#end.reason} before a message came`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next message as text, marked when it came as binary. */
  async nextText(): Promise<string> {
    const { data, isBinary } = await this.next();
    return isBinary ? `binary:${data.toString()}` : data.toString();
  }

  async collect(count: number): Promise<Received[]> {
    const messages: Received[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  async collectTexts(count: number): Promise<string[]> {
    return (await this.collect(count)).map(({ data }) => data.toString());
  }

  /** Sends a text and returns the reply as text. */
  ask(text: string): Promise<string> {
    this.send(text);
    return this.nextText();
  }

  /** Starts the close handshake and waits for its end. */
  close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  /** Gone without a close frame. */
  destroy(): void {
    this.socket.terminate();
  }
}

/** Opens `count` connections at once. */
export function connectMany(url: string, count: number): Promise<WsClient[]> {
  return Promise.all(Array.from({ length: count }, () => WsClient.connect(url)));
}
