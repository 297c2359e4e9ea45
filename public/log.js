/**
 * The log: the last entries in a ring, and the rows of those that the filter lets through. Rows are made once per
 * animation frame, a bounded number of them, so that neither a flood nor a long day slows the tab down: an entry that
 * has left the ring by then never gets a row.
 */
import { byId } from './dom.js';
import { count, formatSize } from './format.js';
import { createRow, searchText, toLine } from './rows.js';

/** Entries that are kept, and rows at most. */
const LIMIT = 1000;
const ROWS_PER_FRAME = 100;

const noTotals = () => ({ sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 });

export class Log {
  #element = byId('log');
  #ring = new Array(LIMIT);
  /** Numbers of entries: the next one, the first that was not cleared, the next that is to get a row. */
  #next = 0;
  #first = 0;
  #cursor = 0;
  #rows = 0;
  #frame = 0;
  #totals = noTotals();
  #isPaused = false;
  #direction = 'all';
  #words = '';

  constructor() {
    byId('clear').addEventListener('click', () => this.clear());
    byId('pause').addEventListener('click', () => this.#pause(!this.#isPaused));
    byId('copy').addEventListener('click', () => this.#copy());
    byId('filter').addEventListener('input', () => this.#filter());
    byId('filter-direction').addEventListener('change', () => this.#filter());
    new ResizeObserver(() => [...this.#element.children].forEach(makeReachable)).observe(this.#element);
  }

  add(entry) {
    entry.at = new Date();
    this.#ring[this.#next++ % LIMIT] = entry;
    this.#schedule();
  }

  addMessage(direction, message, roundTrip) {
    this.#totals[direction] += 1;
    this.#totals[`${direction}Bytes`] += message.size;
    this.add({ direction, roundTrip, ...message });
  }

  addEvent(kind, text) {
    this.add({ direction: 'event', kind, text, whole: true });
  }

  clear() {
    this.#first = this.#cursor = this.#next;
    this.#ring.fill(undefined);
    this.#totals = noTotals();
    this.#removeRows();
    this.#schedule();
  }

  /** The number of the oldest entry that is kept. */
  get #oldest() {
    return Math.max(this.#first, this.#next - LIMIT);
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => this.#render());
  }

  #render() {
    this.#frame = 0;
    this.#showTotals();
    if (this.#isPaused) return;
    const element = this.#element;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    const oldest = this.#oldest;
    for (let row = element.firstElementChild; row !== null && row.number < oldest; ) {
      row.remove();
      this.#rows -= 1;
      row = element.firstElementChild;
    }
    const added = document.createDocumentFragment();
    this.#cursor = Math.max(this.#cursor, oldest);
    while (this.#cursor < this.#next && added.childElementCount < ROWS_PER_FRAME) {
      const number = this.#cursor++;
      const entry = this.#ring[number % LIMIT];
      if (!this.#matches(entry)) continue;
      const row = createRow(entry);
      row.number = number;
      added.append(row);
    }
    this.#rows += added.childElementCount;
    const firstAdded = added.firstElementChild;
    element.append(added);
    for (let row = firstAdded; row !== null; row = row.nextElementSibling) makeReachable(row);
    if (atEnd) element.scrollTop = element.scrollHeight;
    this.#showEmpty();
    if (this.#cursor < this.#next) this.#schedule();
  }

  #showTotals() {
    const { sent, sentBytes, received, receivedBytes } = this.#totals;
    const limit = this.#next - this.#first > LIMIT ? ` (last ${count(LIMIT)} entries kept)` : '';
    const paused = this.#isPaused ? `, paused: ${count(this.#next - this.#cursor)} new` : '';
    byId('totals').textContent =
      `Sent ${count(sent)} (${formatSize(sentBytes)}), ` +
      `received ${count(received)} (${formatSize(receivedBytes)})${limit}${paused}`;
  }

  #showEmpty() {
    byId('log-empty').hidden = this.#rows > 0;
    byId('log-empty').textContent =
      this.#next === this.#first
        ? 'Nothing yet. Connect, then send a message: what goes out and what comes back shows here.'
        : 'No entry passes the filter.';
  }

  #matches(entry) {
    if (this.#direction !== 'all' && entry.direction !== this.#direction) return false;
    return this.#words === '' || searchText(entry).includes(this.#words);
  }

  #filter() {
    this.#direction = byId('filter-direction').value;
    this.#words = byId('filter').value.trim().toLowerCase();
    this.#removeRows();
    this.#cursor = this.#oldest;
    this.#pause(false);
  }

  #removeRows() {
    this.#element.replaceChildren();
    this.#rows = 0;
  }

  #pause(isPaused) {
    this.#isPaused = isPaused;
    byId('pause').setAttribute('aria-pressed', String(isPaused));
    byId('pause').textContent = isPaused ? 'Resume' : 'Pause';
    this.#schedule();
  }

  /** Everything that is kept and passes the filter, one line each, columns separated by tabs. */
  async #copy() {
    const lines = [];
    for (let number = this.#oldest; number < this.#next; number++) {
      const entry = this.#ring[number % LIMIT];
      if (this.#matches(entry)) lines.push(toLine(entry));
    }
    const isCopied = await copyText(lines.join('\n'));
    byId('copy-result').textContent = isCopied
      ? `${count(lines.length)} ${lines.length === 1 ? 'entry' : 'entries'} copied`
      : 'The browser does not let this page copy.';
  }
}

/** What scrolls must be reachable by keyboard; what does not is no stop on the way. */
function makeReachable(row) {
  const body = row.querySelector('.body');
  if (body === null) return;
  const scrolls = body.scrollHeight > body.clientHeight;
  for (const [name, value] of [
    ['tabindex', '0'],
    ['role', 'group'],
    ['aria-label', 'Content of the message'],
  ]) {
    if (scrolls) body.setAttribute(name, value);
    else body.removeAttribute(name);
  }
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS there is no clipboard but on localhost; the old way still works.
    const area = document.createElement('textarea');
    area.value = text;
    const { activeElement } = document;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    activeElement?.focus();
    return isCopied;
  }
}
