/** The WebSocket of a browser as far as Node has one: undici's, with the messages in a list. */
import { WebSocket } from 'undici';
import { onTestFinished } from 'vitest';
import { until } from '../until.js';

export interface BrowserOptions {
  readonly protocols?: string[];
  /** Origin of the page that it is on. */
  readonly origin?: string;
}

export class BrowserClient {
  readonly socket: WebSocket;
  /** What came: texts as strings, binary messages as Blobs. */
  readonly inbox: (string | Blob)[] = [];
  #end: { code: number; reason: string } | undefined;

  private constructor(url: string, { protocols = [], origin }: BrowserOptions) {
    this.socket = new WebSocket(url, { protocols, ...(origin && { headers: { origin } }) });
    this.socket.addEventListener('message', ({ data }) => this.inbox.push(data));
    this.socket.addEventListener('close', ({ code, reason }) => {
      this.#end = { code, reason };
    });
    onTestFinished(() => this.socket.close());
  }

  /** Rejects when refused, with nothing of why: as a browser does. */
  static async open(url: string, options: BrowserOptions = {}): Promise<BrowserClient> {
    const client = new BrowserClient(url, options);
    const { socket } = client;
    await until('an answer to the handshake', () => socket.readyState !== WebSocket.CONNECTING);
    if (socket.readyState !== WebSocket.OPEN) throw new Error('refused');
    return client;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  /** The next message; rejects when the connection ends before one comes. */
  async next(): Promise<string | Blob> {
    await until('a message', () => this.inbox.length > 0 || this.#end !== undefined);
    const message = this.inbox.shift();
    if (message === undefined) throw new Error(`closed with ${this.#end?.code} ${this.#end?.reason}`);
    return message;
  }

  /** The next message as a text. */
  async nextText(): Promise<string> {
    const message = await this.next();
    return typeof message === 'string' ? message : message.text();
  }

  ask(text: string): Promise<string> {
    this.send(text);
    return this.nextText();
  }

  async close(code?: number): Promise<{ code: number; reason: string }> {
    this.socket.close(code);
    return this.closed();
  }

  closed(): Promise<{ code: number; reason: string }> {
    return until('the end of the connection', () => this.#end);
  }
}
