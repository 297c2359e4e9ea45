/** A server of a key set on loopback, which does what a test tells it. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export class KeySetServer {
  readonly url: string;
  /** How often it was asked. */
  requests = 0;
  #answer: RequestListener = (_, response) => response.end('{"keys":[]}');

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/jwks.json`;
  }

  static async start(...keys: object[]): Promise<KeySetServer> {
    const server = createServer((request, response) => {
      made.requests++;
      made.#answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const made = new KeySetServer((server.address() as AddressInfo).port);
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    made.serve(...keys);
    return made;
  }

  serve(...keys: object[]): void {
    this.answer((_, response) => response.end(JSON.stringify({ keys })));
  }

  answer(listener: RequestListener): void {
    this.#answer = listener;
  }
}
