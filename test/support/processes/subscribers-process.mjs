/**
 * Many subscribers in one process, on raw sockets: each checks that what it gets counts up from 0. Arguments: port,
 * how many, and of each how many one does not read. Says `open` when all are, and answers any message with its tally.
 */
import { connect } from 'node:net';

const [port, count, stalledEvery] = process.argv.slice(2).map(Number);
const handshake = (query) =>
  [
    `GET /ws?${query} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n');

const next = new Int32Array(count);
let open = 0;
let outOfOrder = 0;
let ended = 0;

/** Frames of the server are short here: at most 64 KiB, never masked. Returns what is left of the bytes. */
function takeFrames(index, bytes) {
  let at = 0;
  for (;;) {
    if (bytes.length < at + 2) break;
    let length = bytes[at + 1];
    let start = at + 2;
    if (length === 126) {
      if (bytes.length < at + 4) break;
      length = bytes.readUInt16BE(at + 2);
      start = at + 4;
    }
    if (bytes.length < start + length) break;
    if ((bytes[at] & 15) === 2 && bytes.readUInt32BE(start) !== next[index]++) outOfOrder++;
    at = start + length;
  }
  return bytes.subarray(at);
}

function subscribe(index) {
  const query = index % stalledEvery === 0 ? 'stalled' : '';
  const socket = connect(port, '127.0.0.1', () => socket.write(handshake(query)));
  let rest = Buffer.alloc(0);
  let isOpen = false;
  socket.on('error', () => {});
  socket.on('close', () => ended++);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!isOpen) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      isOpen = true;
      rest = rest.subarray(end + 4);
      if (index % stalledEvery === 0) socket.pause();
      if (++open === count) process.send('open');
    }
    rest = takeFrames(index, rest);
  });
}

for (let i = 0; i < count; i++) {
  subscribe(i);
  // The queue of connections that wait to be accepted is short.
  if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 10));
}

process.on('message', () => {
  const healthy = [...next].filter((_, i) => i % stalledEvery !== 0);
  process.send({ outOfOrder, ended, least: Math.min(...healthy), most: Math.max(...healthy) });
});
