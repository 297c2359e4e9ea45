/** How the load generator sends, without a server: memory while a peer does not read, deadlines, and distant timers. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FrameBatch } from '../../src/loadgen/batch.js';
import { Connection, type Shared } from '../../src/loadgen/connection.js';
import { Findings } from '../../src/loadgen/findings.js';
import { Opcode } from '../../src/loadgen/frames.js';
import { payloadTemplate } from '../../src/loadgen/message.js';
import { LatencyRecorder } from '../../src/loadgen/recorder.js';
import { Schedule } from '../../src/loadgen/schedule.js';
import { SentTimes } from '../../src/loadgen/times.js';

const SIZE = 5000;

/** A socket that takes nothing, and keeps what it is given. */
function stalledSocket() {
  const kept: Buffer[] = [];
  const socket = new Writable({ write() {}, highWaterMark: 1 });
  const { write } = socket;
  socket.write = (chunk: Buffer) => {
    kept.push(chunk);
    return write.call(socket, chunk, 'binary');
  };
  return { socket, kept };
}

test('what waits for a peer that does not read takes no more memory than its bytes', () => {
  const batch = new FrameBatch(Opcode.binary, payloadTemplate(SIZE), 64);
  const { socket, kept } = stalledSocket();
  for (let number = 0; number < 20; number++) batch.send(socket, 1, number, 1);
  expect(kept).toHaveLength(20);
  // The first found the peer reading.
  for (const { buffer, length } of kept.slice(1)) expect(buffer.byteLength).toBe(length);
  // What comes later has not overwritten it.
  expect(new Set(kept.map((chunk) => chunk.toString('latin1'))).size).toBe(20);
});

test('over TLS, which reads later, it is the same', () => {
  const batch = new FrameBatch(Opcode.binary, payloadTemplate(SIZE), 64);
  const { socket, kept } = stalledSocket();
  batch.send(Object.assign(socket, { encrypted: true }), 1, 0, 1);
  expect(kept[0]!.buffer.byteLength).toBe(kept[0]!.length);
});

test('a handshake that comes byte by byte ends at its deadline', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('H'));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const findings = new Findings();
  const readBuffer = Buffer.alloc(1000);
  const shared = {
    options: { url: `ws://127.0.0.1:${port}/`, headers: {}, insecure: false },
    recorder: new LatencyRecorder(),
    findings,
    readBuffer,
    readView: new DataView(readBuffer.buffer),
    onBroken() {},
  };
  const connection = new Connection(0, new SentTimes(1), shared as unknown as Shared);
  const [[socket]] = await Promise.all([once(server, 'connection'), void connection.open()]);
  for (let i = 0; i < 6; i++) {
    vi.advanceTimersByTime(5000);
    socket.write('T');
  }
  expect(findings.first).toBe('connection 0: the handshake took too long');
  connection.destroy();
});

test('a message that is due in years is waited for in steps that a timer can take', () => {
  const delays: number[] = [];
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((_: () => void, ms: number) => {
    delays.push(ms);
  }) as never);
  onTestFinished(() => void vi.restoreAllMocks());
  const connection = { id: 1, echoes: { sent: 0 } };
  new Schedule([connection as never], 2, 1e-9, performance.now(), () => 0).start();
  expect(delays).toEqual([2 ** 31 - 1]);
});
