/**
 * The console page: one WebSocket, a form to send with, and a log. Runs in the browser as it is, without a
 * build step. Whatever came over the wire is put on the page as text (textContent), never as markup.
 */

/** Rows that the log keeps; older ones go, so that neither a flood nor a long day slows the tab down. */
const LOG_ROWS = 1000;
/** Rows that one frame adds at most: what keeps the page answering during a flood. */
const ROWS_PER_FRAME = 100;
/** Bytes of one message that the log shows. */
const TEXT_PREVIEW = 4096;
const BINARY_PREVIEW = 512;
/** Messages that may wait for an answer to be timed. */
const WAITING = 1000;

const STATES = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  open: 'Connected',
  closing: 'Closing…',
  closed: 'Closed',
  failed: 'Connection failed',
};

/** Close codes in words (RFC 6455 §7.4.1 and the IANA registry). */
const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code given',
  1006: 'ended without a close frame',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
};

const encoder = new TextEncoder();
const byId = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString('en');

// ---- Formats

function formatTime(date) {
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function formatSize(bytes) {
  if (bytes < 10_000) return `${count(bytes)} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function formatDuration(ms) {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatClose(code, reason) {
  const name = CLOSE_CODES[code] ?? (code >= 4000 ? 'private code' : 'registered code');
  return `${code} (${name})${reason === '' ? '' : `, reason “${reason}”`}`;
}

/** A message as the user typed it → what goes over the wire. Each throws an Error in words for the user. */
const encodings = {
  text: (typed) => typed,
  utf8: (typed) => encoder.encode(typed),
  hex: parseHex,
};

/** Groups of two-digit bytes; blanks, commas, colons and 0x may stand between them. */
function parseHex(typed) {
  const bytes = [];
  for (const match of typed.matchAll(/[^\s,:;]+/g)) {
    const prefix = /^0x/i.test(match[0]) ? 2 : 0;
    const digits = match[0].slice(prefix);
    const bad = digits.search(/[^0-9a-f]/iu);
    if (bad >= 0) {
      const character = String.fromCodePoint(digits.codePointAt(bad));
      const position = match.index + prefix + bad + 1;
      throw new Error(
        `“${character}” (character ${position}) is not a hex digit. Use 0 to 9 and a to f, two for each byte.`,
      );
    }
    if (digits.length % 2 === 1 || digits.length === 0) {
      const group = match[0].length > 20 ? `${match[0].slice(0, 20)}…` : match[0];
      throw new Error(`“${group}” has ${digits.length} hex digits, but each byte takes two.`);
    }
    for (let i = 0; i < digits.length; i += 2) bytes.push(Number.parseInt(digits.slice(i, i + 2), 16));
  }
  return Uint8Array.from(bytes);
}

/** Kind, size and the part that the log shows. The part is a copy: it must not hold a large message in memory. */
function describe(data) {
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

// ---- Log

const noTotals = () => ({ entries: 0, sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 });
const log = { element: byId('log'), backlog: [], frame: 0, totals: noTotals() };

/** Adds an entry at the next frame. A backlog over the log's own limit loses what would scroll out anyway. */
function addEntry(entry) {
  entry.at = new Date();
  log.totals.entries += 1;
  if (log.backlog.push(entry) > LOG_ROWS) log.backlog.shift();
  log.frame ||= requestAnimationFrame(renderLog);
}

function addMessage(direction, message, roundTrip) {
  log.totals[direction] += 1;
  log.totals[`${direction}Bytes`] += message.size;
  addEntry({ direction, roundTrip, ...message });
}

function renderLog() {
  const { element, backlog, totals } = log;
  log.frame = 0;
  const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  const added = document.createDocumentFragment();
  for (const entry of backlog.splice(0, ROWS_PER_FRAME)) added.append(createRow(entry));
  element.append(added);
  while (element.childElementCount > LOG_ROWS) element.firstElementChild.remove();
  if (atEnd) element.scrollTop = element.scrollHeight;

  byId('log-empty').hidden = totals.entries > 0;
  const sums =
    `Sent ${count(totals.sent)} (${formatSize(totals.sentBytes)}), ` +
    `received ${count(totals.received)} (${formatSize(totals.receivedBytes)})`;
  const limit = totals.entries > LOG_ROWS ? ` (last ${count(LOG_ROWS)} entries below)` : '';
  byId('totals').textContent = sums + limit;
  if (backlog.length > 0) log.frame = requestAnimationFrame(renderLog);
}

function clearLog() {
  log.backlog.length = 0;
  log.totals = noTotals();
  log.element.replaceChildren();
  log.frame ||= requestAnimationFrame(renderLog);
}

function createRow(entry) {
  const row = create('div', 'entry');
  row.dataset.direction = entry.direction;
  row.append(
    create('span', 'meta', formatTime(entry.at)),
    create('span', 'meta direction', entry.direction),
    create('span', 'meta', entry.kind),
    create('span', 'meta number', entry.size === undefined ? '' : formatSize(entry.size)),
    create('span', 'meta number', entry.roundTrip === undefined ? '' : formatDuration(entry.roundTrip)),
    createContent(entry),
  );
  return row;
}

function createContent(entry) {
  if (entry.size === 0) return create('div', 'content note', '(empty)');
  const content = create('div', 'content');
  const body = create('div', 'body');
  content.append(body);
  if (entry.bytes === undefined) {
    body.textContent = entry.text;
  } else {
    const text = new TextDecoder().decode(entry.bytes, { stream: !entry.whole }).replace(/\p{Cc}/gu, '·');
    const hex = Array.from(entry.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    body.append(createPart('hex', hex), createPart('text', text));
  }
  if (!entry.whole) {
    const shown = entry.bytes === undefined ? TEXT_PREVIEW : BINARY_PREVIEW;
    content.append(create('div', 'note', `… the first ${count(shown)} of ${count(entry.size)} bytes`));
  }
  return content;
}

function createPart(tag, text) {
  const part = create('div', 'part');
  part.append(create('span', 'tag', tag), create('span', '', text));
  return part;
}

function create(name, className, text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

// ---- Round trips

const roundTrips = { waiting: [], echoes: false };

function startRoundTrip(data, { size }) {
  if (roundTrips.waiting.push({ data, size, at: performance.now() }) > WAITING) roundTrips.waiting.shift();
}

/**
 * Milliseconds since the message that `data` answers was sent: the same message, or else the oldest one that
 * waits. A server that was once seen to echo is held to that, so that what it sends unasked counts as no answer.
 */
function endRoundTrip(data, { size }, now) {
  const { waiting } = roundTrips;
  let answered = waiting.findIndex((sent) => sent.size === size && isSame(sent.data, data));
  if (answered >= 0) roundTrips.echoes = true;
  else if (!roundTrips.echoes) answered = 0;
  const sent = waiting.splice(0, answered + 1).at(-1);
  return sent === undefined ? undefined : now - sent.at;
}

/** Whether two messages of one size are the same. */
function isSame(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.every((byte, i) => byte === b[i]);
}

// ---- Connection

/** `socket` is there from connect to its close event; `asked` is the code and reason that the page closes with. */
const connection = { state: 'idle', socket: undefined, asked: undefined };

/** The only writer of the state, and of everything on the page that follows from it. */
function setState(state, detail = '') {
  connection.state = state;
  const live = connection.socket !== undefined;
  const badge = byId('state');
  badge.dataset.state = state;
  badge.textContent = STATES[state];
  byId('detail').textContent = detail;
  byId('url').readOnly = live;
  byId('connect').textContent = state === 'connecting' ? 'Cancel' : live ? 'Disconnect' : 'Connect';
  byId('connect').classList.toggle('primary', !live);
  byId('close').disabled = state !== 'open';
  byId('send').disabled = state !== 'open';
}

/** @throws Error in words for the user */
function parseAddress(typed) {
  const text = typed.trim().replace(/^http(?=s?:\/\/)/i, 'ws');
  if (!/^wss?:\/\//i.test(text)) throw new Error('The address must begin with ws:// or wss://.');
  if (text.includes('#')) throw new Error('A WebSocket address has no part after “#”.');
  if (!URL.canParse(text)) throw new Error('The address is not complete, as ws://127.0.0.1:8080/ws is.');
  return new URL(text).href;
}

function connect() {
  if (connection.socket !== undefined) return;
  try {
    const address = parseAddress(byId('url').value);
    open(address, new WebSocket(address));
    setError('url', '');
  } catch (error) {
    const refused = error instanceof DOMException ? 'The browser refuses this address: ' : '';
    setError('url', refused + error.message);
  }
}

function open(address, socket) {
  socket.binaryType = 'arraybuffer';
  Object.assign(connection, { socket, asked: undefined });
  Object.assign(roundTrips, { waiting: [], echoes: false });
  let opened = false;
  socket.onopen = () => {
    opened = true;
    addEntry({ direction: 'event', kind: 'open', text: `connected to ${address}`, whole: true });
    setState('open', `Connected to ${address}`);
  };
  socket.onmessage = onMessage;
  socket.onclose = (event) => {
    const text = explainClose(event, opened);
    connection.socket = undefined;
    addEntry({ direction: 'event', kind: 'close', text, whole: true });
    setState(opened || connection.asked !== undefined ? 'closed' : 'failed', text);
  };
  setState('connecting');
}

function onMessage(event) {
  const now = performance.now();
  const data = typeof event.data === 'string' ? event.data : new Uint8Array(event.data);
  const message = describe(data);
  addMessage('received', message, endRoundTrip(data, message, now));
}

function explainClose({ code, reason, wasClean }, opened) {
  const { asked } = connection;
  if (!opened) {
    if (asked !== undefined) return 'Cancelled before the connection was made.';
    return 'No connection. Is a WebSocket server listening there, and does it let this page’s origin in? The browser does not tell.';
  }
  if (!wasClean) return `The connection was lost: ${formatClose(code, reason)}.`;
  if (asked === undefined) return `The server closed the connection: ${formatClose(code, reason)}.`;
  const mine = `This page closed the connection: ${formatClose(asked.code, asked.reason)}`;
  return code === asked.code ? `${mine}.` : `${mine}. The server answered ${formatClose(code, reason)}.`;
}

function disconnect(code, reason) {
  const { socket, state } = connection;
  if (socket === undefined || state === 'closing') return;
  connection.asked = { code, reason };
  const text = formatClose(code, reason);
  if (state === 'open') addEntry({ direction: 'sent', kind: 'close', text, whole: true });
  socket.close(code, reason);
  setState('closing');
}

// ---- Forms

/** Where the error of each field is shown. */
const ERROR_PLACES = { url: 'url-error', message: 'send-error', code: 'close-error', reason: 'close-error' };

/** Shows what is wrong with a field, or with '' that nothing is. */
function setError(field, text) {
  byId(ERROR_PLACES[field]).textContent = text;
  byId(field).setAttribute('aria-invalid', String(text !== ''));
}

function send() {
  const field = byId('message');
  try {
    if (connection.state !== 'open') throw new Error('Not connected. Connect first.');
    const kind = new FormData(byId('send-form')).get('kind');
    const data = encodings[kind](field.value);
    const message = describe(data);
    startRoundTrip(data, message);
    connection.socket.send(data);
    addMessage('sent', message);
    setError('message', '');
    // What was sent stays, selected: Enter sends it again, typing replaces it.
    field.select();
  } catch (error) {
    setError('message', error.message);
  }
}

function closeWithCode() {
  const code = Number(byId('code').value);
  const reason = byId('reason').value;
  const { length } = encoder.encode(reason);
  const allowed = code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999);
  setError('code', allowed ? '' : 'This is none of the close codes that a browser may send.');
  if (!allowed) return;
  setError('reason', length <= 123 ? '' : `The reason has ${length} bytes; 123 is the most.`);
  if (length <= 123) disconnect(code, reason);
}

function onSubmit(form, action) {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}

onSubmit('connect-form', connect);
onSubmit('send-form', send);
onSubmit('close-form', closeWithCode);
byId('connect').addEventListener('click', () => (connection.socket ? disconnect(1000, '') : connect()));
byId('clear').addEventListener('click', clearLog);
byId('message').addEventListener('keydown', (event) => {
  // Enter also ends the composition of, say, a Chinese word: that one is not for us.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
for (const field of Object.keys(ERROR_PLACES)) {
  byId(field).addEventListener('input', () => setError(field, ''));
}
for (const kind of document.getElementsByName('kind')) {
  kind.addEventListener('change', () => setError('message', ''));
}

/** Fills in this hub's own address: relative to the page, so that it also holds behind a proxy's prefix. */
async function showHub() {
  let config = { path: '/ws', version: '' };
  try {
    const response = await fetch('console/config.json');
    if (response.ok) config = await response.json();
  } catch {
    // The usual path is a good guess, and the user can type another.
  }
  byId('version').textContent = config.version;
  const address = new URL(`.${config.path}`, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  if (byId('url').value === '') byId('url').value = address.href;
}

setState('idle');
showHub();
