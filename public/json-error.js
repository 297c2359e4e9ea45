/**
 * Where a text stops being JSON (RFC 8259). `JSON.parse` judges; browsers tell the place differently, or not at all,
 * so it is found here.
 */

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON strings must not contain
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

/** Thrown inside this file only. */
class Stop {
  constructor(position, expected) {
    Object.assign(this, { position, expected });
  }
}

/**
 * @returns {{ position: number, line: number, column: number, expected: string } | undefined} the first character
 *   that cannot be (position from 0, line and column from 1), and what could; undefined when the text is JSON
 */
export function findJsonError(text) {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const { position, expected } = scan(text);
    const before = text.slice(0, position);
    const line = before.split('\n').length;
    return { position, line, column: position - before.lastIndexOf('\n'), expected };
  }
}

function scan(text) {
  try {
    const end = skipValue(text, skip(WHITESPACE, text, 0));
    return new Stop(skip(WHITESPACE, text, end), 'the end');
  } catch (stop) {
    if (stop instanceof Stop) return stop;
    // Nested deeper than the stack: the place is not known.
    return new Stop(0, 'less deeply nested JSON');
  }
}

/** The position after a match at `at`, or `at` itself. */
function skip(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** Each returns the position after what it names. */
function skipValue(text, at) {
  const first = text[at];
  if (first === '{') return skipList(text, at, '}', skipMember, 'a name in double quotes');
  if (first === '[') return skipList(text, at, ']', skipValue, 'a value');
  if (first === '"') return skipString(text, at);
  const end = Math.max(skip(NUMBER, text, at), skip(WORD, text, at));
  if (end === at) throw new Stop(at, 'a value');
  return end;
}

function skipList(text, start, close, skipItem, item) {
  let at = skip(WHITESPACE, text, start + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skip(WHITESPACE, text, skipItem(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ',') throw new Stop(at, `“,” or “${close}”`);
    at = skip(WHITESPACE, text, at + 1);
    if (text[at] === close) throw new Stop(at, item);
  }
}

function skipMember(text, at) {
  if (text[at] !== '"') throw new Stop(at, 'a name in double quotes');
  const colon = skip(WHITESPACE, text, skipString(text, at));
  if (text[colon] !== ':') throw new Stop(colon, '“:”');
  return skipValue(text, skip(WHITESPACE, text, colon + 1));
}

function skipString(text, at) {
  const end = skip(STRING, text, at);
  if (text[end] === '"') return end + 1;
  throw new Stop(end, text[end] === '\\' ? 'a valid escape' : 'the end of the string, “"”');
}
