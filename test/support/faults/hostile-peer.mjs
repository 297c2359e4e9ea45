/**
 * Child process of hostile.ts: peers that send as fast as the kernel takes it, and come again when they are cut off.
 * Arguments: port, kind, how many peers. Tells how many have been cut off.
 */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { constants, deflateRawSync } from 'node:zlib';

const [port, kind, count] = process.argv.slice(2);
/** So much is handed to the kernel at a time. */
const BURST_BYTES = 4 * 1024 * 1024;
const MASK = Buffer.from([1, 2, 3, 4]);

/** A frame of less than 64 KiB. */
function frame(first, payload = Buffer.alloc(0)) {
  const { length } = payload;
  const head = length < 126 ? [first, 0x80 | length] : [first, 0xfe, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), MASK, payload.map((byte, i) => byte ^ MASK[i & 3])]);
}

function deflated(size) {
  const body = deflateRawSync(Buffer.alloc(size), { finishFlush: constants.Z_SYNC_FLUSH });
  return body.subarray(0, body.length - 4);
}

const host = `HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`;
const get = (target) => Buffer.from(`GET ${target} ${host}\r\n`);
const post = (header, target = '/stats') => Buffer.from(`POST ${target} ${host}${header}\r\n\r\n`);

/** What goes first, once; and what is sent again and again. */
const KINDS = {
  pongs: { again: frame(0x8a) },
  'long pongs': { again: frame(0x8a, Buffer.alloc(125)) },
  pings: { again: frame(0x89, Buffer.from('x')) },
  'pings, unread': { again: frame(0x89, Buffer.from('x')), isUnread: true },
  'tiny messages': { again: frame(0x81, Buffer.from('x')) },
  'empty messages': { again: frame(0x82) },
  'texts that are not ASCII': { again: frame(0x81, Buffer.from('ü'.repeat(500))) },
  'fragments of one message': { first: frame(0x01, Buffer.from('x')), again: frame(0x00, Buffer.from('x')) },
  'messages in empty fragments': {
    again: Buffer.concat([frame(0x01), ...Array(1000).fill(frame(0x00)), frame(0x80)]),
  },
  'empty fragments': { first: frame(0x01, Buffer.from('x')), again: frame(0x00) },
  bombs: { again: frame(0xc2, deflated(1_000_000)), extensions: 'permessage-deflate' },
  closes: { again: frame(0x88, Buffer.from([3, 232])) },
  'requests for statistics': { again: get('/stats'), isHttp: true },
  'requests for statistics, unread': { again: get('/stats'), isHttp: true, isUnread: true },
  'requests for nothing': { again: get('/nothing'), isHttp: true },
  'a body without end': {
    first: post('Content-Length: 999999999999'),
    again: Buffer.alloc(1000),
    isHttp: true,
  },
  'a body without end that is read': {
    first: post('Content-Length: 999999999999', '/echo'),
    again: Buffer.alloc(1000),
    isHttp: true,
  },
  'a body in chunks without end that is read': {
    first: post('Transfer-Encoding: chunked', '/echo'),
    again: Buffer.from('1\r\nx\r\n'),
    isHttp: true,
  },
  'a body in chunks without end': {
    first: post('Transfer-Encoding: chunked'),
    again: Buffer.from('1\r\nx\r\n'),
    isHttp: true,
  },
};

const isTls = process.env.HOSTILE_TLS === '1';
const { first, again, isHttp = false, isUnread = false, extensions } = KINDS[kind];
const burst = Buffer.concat(Array(Math.ceil(BURST_BYTES / again.length)).fill(again));
let ended = 0;
let bytes = 0;

function start() {
  const options = { host: '127.0.0.1', port: Number(port) };
  const socket = isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  let isOpen = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!isOpen) return;
    process.send?.({ ended: ++ended, bytes });
    setTimeout(start, 10);
  });
  const more = () => {
    do bytes += burst.length;
    while (socket.write(burst));
  };
  const flood = () => {
    isOpen = true;
    if (isUnread) socket.pause();
    else socket.resume();
    if (first) socket.write(first);
    socket.on('drain', more);
    more();
  };
  if (isHttp) {
    socket.once(isTls ? 'secureConnect' : 'connect', flood);
    return;
  }
  const offer = extensions ? `Sec-WebSocket-Extensions: ${extensions}\r\n` : '';
  socket.write(
    `GET /ws ${host}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`,
  );
  socket.once('data', flood);
}

for (let i = 0; i < Number(count); i++) start();
process.on('disconnect', () => process.exit());
