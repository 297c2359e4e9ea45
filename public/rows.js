/** Entries of the log: what is kept of a message, as a row of the page and as a line of text. */
import { create } from './dom.js';
import { encoder } from './encodings.js';
import { count, formatDuration, formatSize, formatTime } from './format.js';

/** Bytes of one message that the log keeps and shows. */
const TEXT_PREVIEW = 4096;
const BINARY_PREVIEW = 512;

/** Kind, size and the part that the log shows. The part is a copy: it must not hold a large message in memory. */
export function describe(data) {
  if (typeof data === 'string') {
    const bytes = encoder.encode(data);
    const whole = bytes.length <= TEXT_PREVIEW;
    // stream: a character that the cut splits is left out instead of being shown as damaged
    const decode = () => new TextDecoder().decode(bytes.subarray(0, TEXT_PREVIEW), { stream: true });
    return { kind: 'text', size: bytes.length, text: whole ? data : decode(), whole };
  }
  const preview = data.slice(0, BINARY_PREVIEW);
  return { kind: 'binary', size: data.length, bytes: preview, whole: preview.length === data.length };
}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** The bytes of a binary entry as text, with a dot for each control character. */
const toText = ({ bytes, whole }) =>
  new TextDecoder().decode(bytes, { stream: !whole }).replace(/\p{Cc}/gu, '·');

function note({ bytes, size, whole }) {
  if (size === 0) return '(empty)';
  if (whole) return '';
  return `… the first ${count(bytes === undefined ? TEXT_PREVIEW : BINARY_PREVIEW)} of ${count(size)} bytes`;
}

/** The cells before the content. */
function cells(entry) {
  return [
    formatTime(entry.at),
    entry.direction,
    entry.kind,
    entry.size === undefined ? '' : formatSize(entry.size),
    entry.roundTrip === undefined ? '' : formatDuration(entry.roundTrip),
  ];
}

/** What a filter looks at. */
export function searchText(entry) {
  entry.search ??=
    `${entry.direction} ${entry.kind} ${entry.text ?? `${toHex(entry.bytes)} ${toText(entry)}`}`.toLowerCase();
  return entry.search;
}

export function toLine(entry) {
  const content = entry.text ?? toHex(entry.bytes);
  const escaped = content.replace(
    /[\\\t\n\r]/g,
    (c) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c],
  );
  return [...cells(entry), [escaped, note(entry)].filter((part) => part !== '').join(' ')].join('\t');
}

const CELL_CLASSES = ['meta', 'meta direction', 'meta', 'meta number', 'meta number'];

export function createRow(entry) {
  const row = create('div', 'entry');
  row.dataset.direction = entry.direction;
  row.append(...cells(entry).map((text, i) => create('span', CELL_CLASSES[i], text)), createContent(entry));
  return row;
}

function createContent(entry) {
  if (entry.size === 0) return create('div', 'content note', note(entry));
  const content = create('div', 'content');
  const body = create('div', 'body');
  content.append(body);
  if (entry.bytes === undefined) body.textContent = entry.text;
  else body.append(createPart('hex', toHex(entry.bytes)), createPart('text', toText(entry)));
  if (!entry.whole) content.append(create('div', 'note', note(entry)));
  return content;
}

function createPart(tag, text) {
  const part = create('div', 'part');
  part.append(create('span', 'tag', tag), create('span', '', text));
  return part;
}
