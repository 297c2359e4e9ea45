/**
 * Child process of measure/ping.mjs: pings one connection at a fixed rate. `measure <port> <ms> <intervalMs>` answers
 * with the round trips. A ping's time begins when it was due, so that a client that wakes late hides nothing.
 */
import { announce } from '../controls/support/control.mjs';
import { percentile } from '../lib/statistics.mjs';
import { openSocket, pingFrame } from './raw-socket.mjs';

const PAYLOAD_BYTES = 8;
const PONG_BYTES = 2 + PAYLOAD_BYTES;
const PONG = 0x8a;
/** A pong that has not come by then counts as lost. */
const LAST_PONG_MS = 10_000;

function ping(index) {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeUInt32LE(index);
  return pingFrame(payload);
}

async function measure(port, durationMs, intervalMs) {
  const roundTrips = [];
  const count = Math.max(1, Math.floor(durationMs / intervalMs));
  let start = 0;
  let kept = Buffer.alloc(0);
  let onLast;
  const last = new Promise((resolve, reject) => {
    onLast = { resolve, reject };
  });
  const onBytes = (bytes) => {
    kept = Buffer.concat([kept, bytes]);
    for (; kept.length >= PONG_BYTES; kept = kept.subarray(PONG_BYTES)) {
      if (kept[0] !== PONG || kept.readUInt32LE(2) !== roundTrips.length)
        onLast.reject(new Error('a pong is not the one that was due'));
      roundTrips.push(performance.now() - (start + roundTrips.length * intervalMs));
    }
    if (roundTrips.length >= count) onLast.resolve();
  };
  const socket = await openSocket(port, {
    onBytes,
    onClose: () => onLast.reject(new Error('the connection of the pings fell')),
  });
  start = performance.now();
  let sent = 0;
  const send = () => {
    for (; sent < count && start + sent * intervalMs <= performance.now(); sent++) socket.write(ping(sent));
    if (sent === count) clearInterval(timer);
  };
  const timer = setInterval(send, 1);
  send();
  const deadline = setTimeout(
    () => onLast.reject(new Error(`${count - roundTrips.length} pongs did not come`)),
    durationMs + LAST_PONG_MS,
  );
  await last;
  clearTimeout(deadline);
  socket.removeAllListeners('close');
  socket.destroy();
  return {
    pings: count,
    p50: percentile(roundTrips, 0.5),
    p99: percentile(roundTrips, 0.99),
    max: Math.max(...roundTrips),
  };
}

announce(undefined, {
  measure: (port, durationMs, intervalMs) => measure(Number(port), Number(durationMs), Number(intervalMs)),
});
