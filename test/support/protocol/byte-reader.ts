/** What a socket has received, taken in exact portions by one reader. */
import type { Socket } from 'node:net';

export class ByteReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake?.();
    });
    // A reset is an end like any other here: what a test looks at is what came before it.
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Exactly `count` bytes, or `undefined` when the stream ended before. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#size < count) {
      if (this.#ended) return undefined;
      await this.#more();
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#keep(all.subarray(count));
    return all.subarray(0, count);
  }

  /** Everything up to and including `marker`, or what there is when the stream ended before. */
  async takeThrough(marker: string): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.#chunks);
      const at = all.indexOf(marker);
      if (at >= 0 || this.#ended) {
        const end = at >= 0 ? at + marker.length : all.length;
        this.#keep(all.subarray(end));
        return all.subarray(0, end);
      }
      await this.#more();
    }
  }

  /** Everything up to the end of the stream. */
  async takeRest(): Promise<Buffer> {
    while (!this.#ended) await this.#more();
    const all = Buffer.concat(this.#chunks);
    this.#keep(Buffer.alloc(0));
    return all;
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
  }
}
