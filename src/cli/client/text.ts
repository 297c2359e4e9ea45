/** How what a peer sent becomes something that is safe and readable on a terminal. */
import { escapeControls } from '../terminal/escape.js';

const BYTES_PER_LINE = 16;

/** A text of which at most `limit` characters (UTF-16 code units) are shown. */
export function showText(text: string, limit: number): string {
  if (text.length <= limit) return escapeControls(text);
  // Not between the halves of a surrogate pair.
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
  const shown = text.slice(0, end);
  const more = Buffer.byteLength(text) - Buffer.byteLength(shown);
  return `${escapeControls(shown)}… ${more} more bytes`;
}

/** Offset, bytes and printable characters, 16 bytes a line, of at most `limit` bytes. */
export function hexdump(bytes: Uint8Array, limit: number): string {
  const lines: string[] = [];
  const end = Math.min(bytes.length, limit);
  for (let at = 0; at < end; at += BYTES_PER_LINE) {
    lines.push(hexLine(at, bytes.subarray(at, Math.min(at + BYTES_PER_LINE, end))));
  }
  if (end < bytes.length) lines.push(`… ${bytes.length - end} more bytes`);
  return lines.join('\n');
}

function hexLine(offset: number, bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
  const halves = [hex.slice(0, BYTES_PER_LINE / 2), hex.slice(BYTES_PER_LINE / 2)].map((half) =>
    half.join(' '),
  );
  const printable = Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  );
  const columns = halves.join('  ').padEnd(3 * BYTES_PER_LINE);
  return `${offset.toString(16).padStart(8, '0')}  ${columns}  |${printable.join('')}|`;
}

export function formatBytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}

export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}
