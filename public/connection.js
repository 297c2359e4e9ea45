/** The page's WebSocket: its state, how it ends in words, and trying again. */
import { formatClose, formatDuration } from './format.js';
import { Backoff, isTemporary } from './reconnect.js';

export class Connection {
  #on;
  #socket;
  /** The code and reason that the page closes with. */
  #asked;
  #backoff = new Backoff();
  state = 'idle';
  /** Try again when the connection is lost. */
  keepsTrying = false;

  /** @param on `state(state, detail)`, `event(kind, text)`, `closing(text)`, `message(data)` */
  constructor(on) {
    this.#on = on;
  }

  /** True from connect until it is over, tries to come back included. */
  get isLive() {
    return this.#socket !== undefined || this.state === 'waiting';
  }

  /** @throws DOMException when the browser refuses the address */
  connect(address) {
    if (this.isLive) return;
    this.#backoff.reset();
    this.#open(address);
  }

  send(data) {
    if (this.state !== 'open') throw new Error('Not connected. Connect first.');
    this.#socket.send(data);
  }

  disconnect(code, reason) {
    this.#backoff.reset();
    if (this.state === 'waiting') {
      this.#setState('closed', 'Not trying again.');
      return;
    }
    if (this.#socket === undefined || this.state === 'closing') return;
    this.#asked = { code, reason };
    if (this.state === 'open') this.#on.closing(formatClose(code, reason));
    this.#socket.close(code, reason);
    this.#setState('closing');
  }

  #setState(state, detail = '') {
    this.state = state;
    this.#on.state(state, detail);
  }

  #open(address) {
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#asked = undefined;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#backoff.reset();
      this.#on.event('open', `connected to ${address}`);
      this.#setState('open', `Connected to ${address}`);
    };
    socket.onmessage = ({ data }) => this.#on.message(typeof data === 'string' ? data : new Uint8Array(data));
    socket.onclose = (event) => {
      this.#socket = undefined;
      const text = this.#explain(event, opened);
      this.#on.event('close', text);
      // An address that never worked is not tried again.
      const isLost = opened ? isTemporary(event.code) : this.#backoff.tries > 0;
      if (this.keepsTrying && this.#asked === undefined && isLost) this.#retry(address, text);
      else this.#setState(opened || this.#asked !== undefined ? 'closed' : 'failed', text);
    };
    this.#setState('connecting');
  }

  #retry(address, why) {
    const delay = this.#backoff.schedule(() => this.#open(address));
    this.#setState('waiting', `${why} Try ${this.#backoff.tries} in ${formatDuration(delay)}.`);
  }

  #explain({ code, reason, wasClean }, opened) {
    const asked = this.#asked;
    if (!opened) {
      if (asked !== undefined) return 'Cancelled before the connection was made.';
      return 'No connection. Is a WebSocket server listening there, and does it let this page’s origin in? The browser does not tell.';
    }
    if (!wasClean) return `The connection was lost: ${formatClose(code, reason)}.`;
    if (asked === undefined) return `The server closed the connection: ${formatClose(code, reason)}.`;
    const mine = `This page closed the connection: ${formatClose(asked.code, asked.reason)}`;
    return code === asked.code ? `${mine}.` : `${mine}. The server answered ${formatClose(code, reason)}.`;
  }
}
