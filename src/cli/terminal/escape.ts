/** What a peer sent becomes something that no terminal takes for a command. */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and format characters such as those that
 * turn the direction of writing; but not the joiners, which emoji and many scripts are written with.
 */
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line without anything that a terminal could take for a command. */
export function escapeControls(text: string): string {
  return text.replaceAll(UNSAFE, (unsafe) => SHORT[unsafe] ?? escapeCodePoint(unsafe.codePointAt(0) ?? 0));
}

function escapeCodePoint(codePoint: number): string {
  const hex = codePoint.toString(16);
  if (codePoint < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return codePoint < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}

/** JSON on one line, with the same characters escaped as JSON escapes them. */
export function safeJson(value: unknown): string {
  const escapeUnits = (unsafe: string) =>
    Array.from(
      { length: unsafe.length },
      (_, i) => `\\u${unsafe.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join('');
  return JSON.stringify(value).replaceAll(UNSAFE, escapeUnits);
}
