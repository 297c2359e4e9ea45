/** A body that is put together from its pieces, in one buffer that grows: of the smallest pieces, no more is kept. */
export class BodyBuffer {
  readonly #maxBytes: number;
  #buffer: Uint8Array = new Uint8Array(0);
  #size = 0;

  /** @param maxBytes more may not be added */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** @param piece is copied */
  add(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#buffer.length) {
      const longer = Buffer.allocUnsafeSlow(Math.min(2 * size, this.#maxBytes));
      longer.set(this.bytes);
      this.#buffer = longer;
    }
    this.#buffer.set(piece, this.#size);
    this.#size = size;
  }

  clear(): void {
    this.#buffer = new Uint8Array(0);
    this.#size = 0;
  }
}
