/** A message as the user typed it → what goes over the wire. Each encoding throws an Error in words for the user. */
import { count } from './format.js';
import { findJsonError } from './json-error.js';

export const encoder = new TextEncoder();

/** An error at a place of the text that was typed. */
export class PlaceError extends Error {
  constructor(message, position) {
    super(message);
    this.position = position;
  }
}

export const encodings = {
  text: (typed) => typed,
  json: checkJson,
  utf8: (typed) => encoder.encode(typed),
  hex: parseHex,
};

/** Sent as it was typed, once it is known to be JSON. */
function checkJson(typed) {
  const error = findJsonError(typed);
  if (error === undefined) return typed;
  const { position, line, column, expected } = error;
  const found =
    position >= typed.length ? 'the text ends' : `“${String.fromCodePoint(typed.codePointAt(position))}”`;
  throw new PlaceError(
    `Not JSON: line ${line}, column ${column} (character ${count(position + 1)}): expected ${expected}, but found ${found}.`,
    position,
  );
}

/** Groups of two-digit bytes; blanks, commas, colons and 0x may stand between them. */
function parseHex(typed) {
  const bytes = [];
  for (const match of typed.matchAll(/[^\s,:;]+/g)) {
    const prefix = /^0x/i.test(match[0]) ? 2 : 0;
    const digits = match[0].slice(prefix);
    const bad = digits.search(/[^0-9a-f]/iu);
    if (bad >= 0) {
      const character = String.fromCodePoint(digits.codePointAt(bad));
      const position = match.index + prefix + bad;
      throw new PlaceError(
        `“${character}” (character ${position + 1}) is not a hex digit. Use 0 to 9 and a to f, two for each byte.`,
        position,
      );
    }
    if (digits.length % 2 === 1 || digits.length === 0) {
      const group = match[0].length > 20 ? `${match[0].slice(0, 20)}…` : match[0];
      throw new PlaceError(
        `“${group}” has ${digits.length} hex digits, but each byte takes two.`,
        match.index,
      );
    }
    for (let i = 0; i < digits.length; i += 2) bytes.push(Number.parseInt(digits.slice(i, i + 2), 16));
  }
  return Uint8Array.from(bytes);
}

/** @throws Error in words for the user */
export function parseAddress(typed) {
  const text = typed.trim().replace(/^http(?=s?:\/\/)/i, 'ws');
  if (!/^wss?:\/\//i.test(text)) throw new Error('The address must begin with ws:// or wss://.');
  if (text.includes('#')) throw new Error('A WebSocket address has no part after “#”.');
  if (!URL.canParse(text)) throw new Error('The address is not complete, as ws://127.0.0.1:8080/ws is.');
  return new URL(text).href;
}
