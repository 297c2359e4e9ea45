/** The form that sends one message, and the ping. */
import { byId, onSubmit, setError } from './dom.js';
import { encodings, PlaceError } from './encodings.js';
import { formatDuration, formatSize } from './format.js';

const PING_TIMEOUT_MS = 5000;

const HINTS = {
  text: 'Enter sends, Shift+Enter starts a new line.',
  json: 'Checked before it is sent, as a text frame. Enter sends.',
  utf8: 'The text as a binary frame. Enter sends.',
  hex: 'Two digits a byte; blanks, commas, colons and 0x may stand between. Enter sends.',
  file: 'Its bytes, as one binary frame.',
};

export class SendForm {
  #send;
  /** The ping that waits for its echo. */
  #ping;

  /** @param send puts a message on the wire and into the log; throws an Error in words for the user */
  constructor(send) {
    this.#send = send;
    onSubmit('send-form', () => this.#submit());
    byId('ping').addEventListener('click', () => this.#startPing());
    byId('message').addEventListener('keydown', (event) => {
      // Enter also ends the composition of, say, a Chinese word: that one is not for us.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    for (const kind of document.getElementsByName('kind')) {
      kind.addEventListener('change', () => this.#showKind());
    }
    // A reload may have kept another choice.
    this.#showKind();
  }

  /** Looks whether a message is the echo of the ping. */
  onMessage(data) {
    if (this.#ping === undefined || data !== this.#ping.text) return;
    const took = performance.now() - this.#ping.at;
    this.#endPing(`Echo after ${formatDuration(took)}.`);
  }

  onState(state) {
    byId('send').disabled = byId('ping').disabled = state !== 'open';
    if (state !== 'open') this.#endPing('');
  }

  get #kind() {
    return new FormData(byId('send-form')).get('kind');
  }

  #showKind() {
    const kind = this.#kind;
    byId('message-field').hidden = kind === 'file';
    byId('file-field').hidden = kind !== 'file';
    byId('send-hint').textContent = HINTS[kind];
    setError('message', '');
    setError('file', '');
  }

  async #submit() {
    const kind = this.#kind;
    const field = byId(kind === 'file' ? 'file' : 'message');
    try {
      this.#send(kind === 'file' ? await readFile(field) : encodings[kind](field.value));
      setError(field.id, '');
      // What was sent stays, selected: Enter sends it again, typing replaces it.
      if (kind !== 'file') field.select();
    } catch (error) {
      setError(field.id, error.message);
      if (!(error instanceof PlaceError)) return;
      field.focus();
      field.setSelectionRange(error.position, error.position + 1);
    }
  }

  /** Browsers cannot send protocol pings (RFC 6455 §5.5.2): a message of a random text stands in. */
  #startPing() {
    this.#endPing('');
    const text = `ping ${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    const timer = setTimeout(
      () => this.#endPing(`No echo in ${PING_TIMEOUT_MS / 1000} s: this server may not be one that echoes.`),
      PING_TIMEOUT_MS,
    );
    this.#ping = { text, timer, at: performance.now() };
    try {
      this.#send(text);
    } catch (error) {
      this.#endPing(error.message);
    }
  }

  #endPing(result) {
    clearTimeout(this.#ping?.timer);
    this.#ping = undefined;
    byId('ping-result').textContent = result;
  }
}

async function readFile(field) {
  const [file] = field.files;
  if (file === undefined) throw new Error('Choose a file first.');
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Error(`The browser could not read ${file.name} (${formatSize(file.size)}).`);
  }
}
