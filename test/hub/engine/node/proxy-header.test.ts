/** The PROXY protocol in engine `node`: both versions, in pieces, in front of TLS, and what is broken. */
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readProxyHeader } from '../../../../src/hub/engine/node/proxy-header.js';
import { dial, readResponse } from '../../../support/clients/raw-http.js';
import { serveNode } from '../../../support/servers/node-engine.js';
import { until } from '../../../support/until.js';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const file = (name: string) => fileURLToPath(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url));

/** Version 2. */
function binary(command: number, family: number, rest: readonly number[], size = rest.length): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, size >> 8, size & 255, ...rest])]);
}
const ports = [0, 1, 0, 2];
const v4 = [192, 0, 2, 7, 10, 0, 0, 1, ...ports];
const v6 = [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 7, ...Array(16).fill(1), ...ports];
const mapped = [...Array(10).fill(0), 255, 255, 192, 0, 2, 7, ...Array(16).fill(1), ...ports];
const line = (text: string) => Buffer.from(`${text}\r\n`, 'latin1');

const GOOD: [Buffer, string | undefined][] = [
  [binary(0x21, 0x11, v4), '192.0.2.7'],
  [binary(0x21, 0x12, v4), '192.0.2.7'],
  [binary(0x21, 0x11, [...v4, 0x04, 0, 2, 1, 2]), '192.0.2.7'],
  [binary(0x21, 0x21, v6), '2001:db8::7'],
  [binary(0x21, 0x21, mapped), '192.0.2.7'],
  [binary(0x21, 0x31, Array(216).fill(0)), undefined],
  [binary(0x21, 0x00, []), undefined],
  [binary(0x20, 0x11, v4), undefined],
  [binary(0x20, 0x00, []), undefined],
  [line('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80'), '192.0.2.7'],
  [line('PROXY TCP6 2001:DB8::0:7 ::1 4711 80'), '2001:db8::7'],
  [line('PROXY UNKNOWN'), undefined],
  [line('PROXY UNKNOWN ffff::1 ffff::2 1 2'), undefined],
];

const BAD: Buffer[] = [
  binary(0x11, 0x11, v4),
  binary(0x22, 0x11, v4),
  binary(0x21, 0x11, v4.slice(1)),
  binary(0x21, 0x21, v4),
  binary(0x21, 0x11, [], 0xffff),
  binary(0x20, 0x00, [], 4097),
  ...[
    'PROXY TCP4 192.0.2.7 10.0.0.1 4711',
    'PROXY TCP4 192.0.2.7 10.0.0.1 4711 80 ',
    'PROXY TCP4 192.0.2.777 10.0.0.1 4711 80',
    'PROXY TCP4 ::1 ::1 4711 80',
    'PROXY TCP6 192.0.2.7 10.0.0.1 4711 80',
    'PROXY TCP4 192.0.2.7 10.0.0.1 65536 80',
    'PROXY TCP4  192.0.2.7 10.0.0.1 4711 80',
    'PROXY UDP4 192.0.2.7 10.0.0.1 4711 80',
    'PROXY UNKNOWN\x01',
    `PROXY UNKNOWN ${'x'.repeat(100)}`,
  ].map(line),
  Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n'),
  Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`),
];

test('a header is known at its end, wherever it is cut, and takes nothing of what is behind it', () => {
  for (const [header, address] of GOOD) {
    for (let cut = 0; cut < header.length; cut++)
      expect(readProxyHeader(header.subarray(0, cut)), `${header.toString('latin1')} cut at ${cut}`).toBe(
        'more',
      );
    for (const behind of ['', GET, header])
      expect(readProxyHeader(Buffer.concat([header, Buffer.from(behind)]))).toEqual({
        length: header.length,
        address,
      });
  }
});

test('a broken one is refused, in pieces as well; anything else is none', () => {
  for (const header of BAD) {
    const verdicts = Array.from(header, (_, cut) => readProxyHeader(header.subarray(0, cut)));
    expect(readProxyHeader(header), header.toString('latin1')).toBe('bad');
    expect(verdicts.filter((verdict) => verdict !== 'more' && verdict !== 'bad')).toEqual([]);
  }
  for (const text of ['GET / HTTP/1.1', '\r\n\r\nG', 'PROXIES', '\x16\x03\x01', 'proxy TCP4 '])
    expect(readProxyHeader(Buffer.from(text, 'latin1')), text).toBe('none');
});

test('whatever comes, the verdict is one, and what is kept is bounded', () => {
  const damaged = fc.tuple(
    fc.constantFrom(...GOOD.map(([header]) => header), ...BAD),
    fc.nat(60),
    fc.nat(255),
    fc.uint8Array({ maxLength: 200 }),
  );
  fc.assert(
    fc.property(damaged, ([header, at, value, behind]) => {
      const bytes = Buffer.concat([header, behind]);
      if (at < bytes.length) bytes[at] = value;
      const verdict = readProxyHeader(bytes);
      if (verdict === 'more') expect(bytes.length).toBeLessThan(16 + 4096);
      else if (typeof verdict === 'object') expect(verdict.length).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2000 },
  );
});

test.each([false, true])('is taken off a connection before anything else (TLS: %s)', async (isTls) => {
  const tls = { key: file('key'), cert: file('cert') };
  const { port, requests, refused } = await serveNode({ proxyProtocol: true, ...(isTls ? { tls } : {}) });
  for (const [header, address] of GOOD) {
    for (const pieces of [[header], Array.from(header, (byte) => Buffer.of(byte))]) {
      const { socket } = await dial(port);
      for (const piece of pieces) {
        socket.write(piece);
        if (pieces.length > 1) await new Promise(setImmediate);
      }
      const client = isTls ? connectTls({ socket, rejectUnauthorized: false }) : socket;
      if (isTls) await new Promise((resolve) => client.once('secureConnect', resolve));
      const before = requests.length;
      client.write(GET + GET);
      await until('both requests', () => requests.length === before + 2);
      for (const { remoteAddress } of requests.slice(before))
        expect(remoteAddress).toBe(address ?? '127.0.0.1');
      socket.destroy();
    }
  }
  const before = requests.length;
  for (const header of BAD.slice(0, -1)) {
    const { socket, reader } = await dial(port);
    socket.on('error', () => {});
    socket.write(Buffer.concat([header, Buffer.from(GET)]));
    expect(await reader.takeRest().catch(() => Buffer.alloc(0))).toHaveLength(0);
  }
  expect(refused).toEqual(BAD.slice(0, -1).map(() => ['400 Bad Request', '127.0.0.1']));
  expect(requests).toHaveLength(before);
});

test('without the option it is no request', async () => {
  const { port, refused } = await serveNode();
  for (const [header] of GOOD) {
    const { socket, reader } = await dial(port);
    socket.write(Buffer.concat([header, Buffer.from(GET)]));
    expect((await readResponse(reader)).status).toBe(400);
  }
  expect(refused).toHaveLength(GOOD.length);
});
