/** What is given to be sent, as the bytes and the kind of a frame. */

export interface Frame {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/** A string as text, bytes as binary, sharing their memory; undefined for anything else. */
export function asFrame(data: unknown): Frame | undefined {
  if (typeof data === 'string') return { bytes: Buffer.from(data), isBinary: false };
  if (data instanceof Uint8Array) return { bytes: data, isBinary: true };
  if (data instanceof ArrayBuffer) return { bytes: new Uint8Array(data), isBinary: true };
  return undefined;
}
