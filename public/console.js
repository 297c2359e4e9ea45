/**
 * The console page: one WebSocket, a form to send with, a log, a small load, and the hub's statistics. Runs in the
 * browser as it is, without a build step.
 */
import { startAdmin } from './admin.js';
import { Connection } from './connection.js';
import { byId, clearErrorsOnInput, onSubmit, setError } from './dom.js';
import { encoder, parseAddress } from './encodings.js';
import { Load } from './load.js';
import { Log } from './log.js';
import { RoundTrips } from './round-trips.js';
import { describe } from './rows.js';
import { SendForm } from './send.js';
import { Statistics } from './statistics.js';

const STATES = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  open: 'Connected',
  closing: 'Closing…',
  closed: 'Closed',
  failed: 'Connection failed',
  waiting: 'Waiting to reconnect',
};

const log = new Log();
const roundTrips = new RoundTrips();
const connection = new Connection({
  state: showState,
  event: (kind, text) => log.addEvent(kind, text),
  closing: (text) => log.add({ direction: 'sent', kind: 'close', text, whole: true }),
  message: onMessage,
});
const sendForm = new SendForm(send);
const statistics = new Statistics();
new Load();

function onMessage(data) {
  const now = performance.now();
  sendForm.onMessage(data);
  const message = describe(data);
  log.addMessage('received', message, roundTrips.end(data, message, now));
}

function send(data) {
  const message = describe(data);
  connection.send(data);
  roundTrips.start(data, message);
  log.addMessage('sent', message);
}

/** The only writer of what follows from the connection's state. */
function showState(state, detail) {
  const badge = byId('state');
  badge.dataset.state = state;
  badge.textContent = STATES[state];
  byId('detail').textContent = detail;
  const { isLive } = connection;
  byId('url').readOnly = isLive;
  byId('connect').textContent =
    state === 'connecting' || state === 'waiting' ? 'Cancel' : isLive ? 'Disconnect' : 'Connect';
  byId('connect').classList.toggle('primary', !isLive);
  byId('close').disabled = state !== 'open';
  if (state === 'connecting') roundTrips.clear();
  sendForm.onState(state);
}

function connect() {
  try {
    connection.connect(parseAddress(byId('url').value));
    setError('url', '');
  } catch (error) {
    const refused = error instanceof DOMException ? 'The browser refuses this address: ' : '';
    setError('url', refused + error.message);
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
  if (length <= 123) connection.disconnect(code, reason);
}

/** Fills in this hub's own address: relative to the page, so that it also holds behind a proxy's prefix. */
async function showHub() {
  let config = { path: '/ws', version: '', stats: 'none' };
  try {
    const response = await fetch('console/config.json');
    if (response.ok) config = await response.json();
  } catch {
    // The usual path is a good guess, and the user can type another.
  }
  byId('version').textContent = config.version;
  const address = new URL(config.url ?? `.${config.path}`, location.href);
  if (config.url === undefined) address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  // What listens on every address is reached where the page is.
  else address.hostname = location.hostname;
  address.hash = '';
  if (byId('url').value === '') byId('url').value = address.href;
  if (config.url !== undefined) startAdmin();
  statistics.start(config.stats);
}

onSubmit('connect-form', connect);
onSubmit('close-form', closeWithCode);
byId('connect').addEventListener('click', () =>
  connection.isLive ? connection.disconnect(1000, '') : connect(),
);
const keepsTrying = byId('reconnect');
keepsTrying.addEventListener('change', () => {
  connection.keepsTrying = keepsTrying.checked;
});
connection.keepsTrying = keepsTrying.checked;
clearErrorsOnInput();
showState('idle', '');
showHub();
