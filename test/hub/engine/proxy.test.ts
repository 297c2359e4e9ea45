/** The client's address behind proxies: X-Forwarded-For, and the PROXY protocol. */
import { type HubOptions, resolveOptions } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { compileProxyTrust, type ProxyTrust } from '../../../src/hub/engine/proxy.js';
import { handshakeRequest, RawClient, tryHandshake } from '../../support/clients/raw-client.js';
import { dial, type RawResponse, readResponse } from '../../support/clients/raw-http.js';
import { counted } from '../../support/counters.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { startHub } from '../../support/servers/hubs.js';

/** A hub that keeps the addresses of those who ask. */
async function start(options: HubOptions): Promise<{ port: number; seen: string[]; stats(): object }> {
  const seen: string[] = [];
  const upgrade = ({ remoteAddress }: { remoteAddress: string }) => {
    seen.push(remoteAddress);
    return undefined;
  };
  const { hub } = await startHub({ workers: 0, upgrade, ...options });
  return { port: hub.port, seen, stats: () => counted(hub.stats().rejected) };
}

describe('X-Forwarded-For', () => {
  test.each<[ProxyTrust, peer: string, header: string, address: string]>([
    [false, '10.0.0.1', '1.1.1.1', '10.0.0.1'],
    [0, '10.0.0.1', '1.1.1.1', '10.0.0.1'],
    [1, '10.0.0.1', '', '10.0.0.1'],
    [1, '10.0.0.1', '1.1.1.1', '1.1.1.1'],
    [1, '10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    [2, '10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
    [9, '10.0.0.1', '1.1.1.1, 10.0.0.2', '1.1.1.1'],
    [2, '10.0.0.1', 'junk, 10.0.0.2', '10.0.0.2'],
    [1, '10.0.0.1', 'junk', '10.0.0.1'],
    [1, '10.0.0.1', '1.1.1.1,', '10.0.0.1'],
    [1, '', '1.1.1.1', '1.1.1.1'],
    [['10.0.0.0/8'], '10.0.0.1', '1.1.1.1', '1.1.1.1'],
    [['10.0.0.0/8'], '11.0.0.1', '1.1.1.1', '11.0.0.1'],
    [['10.0.0.0/8'], '10.0.0.1', '6.6.6.6, 1.1.1.1, 10.9.9.9', '1.1.1.1'],
    [['10.0.0.0/8'], '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    [['10.0.0.1'], '10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.3'],
    [['10.0.0.1', 'fd00::/8'], 'fd00::5', '2001:DB8:0:0::1, 10.0.0.1', '2001:db8::1'],
    [['10.0.0.0/8'], '', '1.1.1.1', '1.1.1.1'],
    [1, '10.0.0.1', '1.1.1.1:4711', '1.1.1.1'],
    [1, '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    [1, '10.0.0.1', '::ffff:1.2.3.4', '1.2.3.4'],
    [1, '10.0.0.1', '1.1.1.1:x', '10.0.0.1'],
    [1, '10.0.0.1', '999.1.1.1', '10.0.0.1'],
  ])('trust %j, peer %j, header %j: %s', (trust, peer, header, address) => {
    expect(compileProxyTrust(trust)(peer, header)).toBe(address);
  });

  test.each<[HubOptions['trustProxy'], string]>([
    [undefined, '127.0.0.1'],
    [1, '1.1.1.1'],
    [['127.0.0.1'], '1.1.1.1'],
    [['127.0.0.0/8', '1.1.1.1'], '6.6.6.6'],
    [['10.0.0.0/8'], '127.0.0.1'],
  ])('with trustProxy %j the address is %s', async (trustProxy, address) => {
    const { port, seen } = await start({ trustProxy });
    await tryHandshake(port, { headers: { 'x-forwarded-for': '6.6.6.6, 1.1.1.1' } });
    // Sent twice is one list.
    await tryHandshake(port, { headers: { 'x-forwarded-for': '6.6.6.6\r\nX-Forwarded-For: 1.1.1.1' } });
    expect(seen).toEqual([address, address]);
  });

  test('the bound of one address counts clients, not proxies', async () => {
    const { port, stats } = await start({ trustProxy: 1, maxConnectionsPerAddress: 1 });
    const from = (address: string) => RawClient.open(port, { headers: { 'x-forwarded-for': address } });
    await from('1.1.1.1');
    await from('2.2.2.2');
    await expect(from('1.1.1.1')).rejects.toThrow(/refused: 503/);
    expect(stats()).toEqual({ 'max-connections-per-address': 1 });
  });

  test.each([
    true,
    -1,
    1.5,
    101,
    [],
    ['localhost'],
    ['10.0.0.0/33'],
    ['10.0.0.0/8/8'],
    ['::/129'],
    '10.0.0.1',
  ])('trustProxy does not take %j', (trustProxy) => {
    expect(() => resolveOptions({ trustProxy } as never)).toThrow(
      /option "trustProxy" got .* false, an integer/,
    );
  });
});

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of version 2: of a proxied connection from `address`, or without one of the proxy's own (LOCAL). */
function proxyHeader(address?: readonly number[]): Buffer {
  if (address === undefined) return Buffer.concat([SIGNATURE, Buffer.from([0x20, 0, 0, 0])]);
  const isV4 = address.length === 4;
  const addresses = Buffer.from([...address, ...address.map(() => 1), 0x04, 0xd2, 0, 80]);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(addresses.length);
  return Buffer.concat([SIGNATURE, Buffer.from([0x21, isV4 ? 0x11 : 0x21]), size, addresses]);
}

const V6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

/** Sends these bytes on one connection and reads one answer. */
async function send(port: number, ...parts: (string | Uint8Array)[]): Promise<RawResponse | undefined> {
  const { socket, reader } = await dial(port);
  socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  return await readResponse(reader).catch(() => undefined);
}

describe('the PROXY protocol', () => {
  test.each<[string, Buffer, string]>([
    ['an IPv4 client', proxyHeader([203, 0, 113, 7]), '203.0.113.7'],
    ['an IPv6 client', proxyHeader(V6), '2001:db8::7'],
    ['the proxy’s own connection', proxyHeader(), '127.0.0.1'],
    ['no header', Buffer.alloc(0), '127.0.0.1'],
  ])('%s', async (_, header, address) => {
    const { port, seen } = await start({ proxyProtocol: true });
    expect((await send(port, header, handshakeRequest(port)))?.status).toBe(101);
    expect(seen).toEqual([address]);
  });

  test('is not looked at unless asked for: passed over by engine uws, no request to engine node', async () => {
    const { port, seen } = await start({ proxyProtocol: false });
    const answer = await send(port, proxyHeader([203, 0, 113, 7]), handshakeRequest(port));
    expect(answer?.status).toBe(byEngine({ uws: 101, node: 400 }));
    expect(seen).toEqual(byEngine({ uws: ['127.0.0.1'], node: [] }));
  });

  test('the header may come in pieces', async () => {
    const { port, seen } = await start({ proxyProtocol: true });
    const client = await RawClient.dial(port);
    await client.writeByteByByte(proxyHeader([203, 0, 113, 7]));
    client.write(handshakeRequest(port));
    client.text('hi');
    expect(await client.nextFrame().catch(() => undefined)).toBeDefined();
    expect(seen).toEqual(['203.0.113.7']);
  });

  test('goes together with X-Forwarded-For: the proxied address is the peer', async () => {
    const { port, seen } = await start({ proxyProtocol: true, trustProxy: ['203.0.113.7'] });
    const request = handshakeRequest(port, { headers: { 'x-forwarded-for': '6.6.6.6, 1.1.1.1' } });
    await send(port, proxyHeader([203, 0, 113, 7]), request);
    await send(port, proxyHeader([203, 0, 113, 8]), request);
    expect(seen).toEqual(['1.1.1.1', '203.0.113.8']);
  });

  test('the bound of one address counts clients', async () => {
    const { port, stats } = await start({ proxyProtocol: true, maxConnectionsPerAddress: 1 });
    expect((await send(port, proxyHeader([1, 1, 1, 1]), handshakeRequest(port)))?.status).toBe(101);
    expect((await send(port, proxyHeader([2, 2, 2, 2]), handshakeRequest(port)))?.status).toBe(101);
    expect((await send(port, proxyHeader([1, 1, 1, 1]), handshakeRequest(port)))?.status).toBe(503);
    expect(stats()).toEqual({ 'max-connections-per-address': 1 });
  });

  describe('a client cannot take another address with a header of its own', () => {
    /** Keeps addresses by the Origin check: an `upgrade` hook would take POST /echo away. */
    async function startAsking(): Promise<{ port: number; seen: string[]; engine: string }> {
      const seen: string[] = [];
      const origins = (_: string, { remoteAddress }: { remoteAddress: string }) =>
        seen.push(remoteAddress) > 0;
      const { hub } = await startHub({ workers: 0, proxyProtocol: true, origins });
      return { port: hub.port, seen, engine: hub.stats().engine.name };
    }
    const browserRequest = (port: number) =>
      handshakeRequest(port, { headers: { origin: 'http://a.example' } });

    test('that comes first and alone', async () => {
      const { port, seen } = await startAsking();
      expect((await send(port, real, browserRequest(port)))?.status).toBe(101);
      expect(seen).toEqual(['203.0.113.7']);
    });

    const real = proxyHeader([203, 0, 113, 7]);
    const fake = proxyHeader([6, 6, 6, 6]);
    const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    const post = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi';
    const refused = (port: number) => handshakeRequest(port, { headers: { 'sec-websocket-version': '8' } });

    test.each<[string, (port: number) => string]>([
      ['a request', () => get],
      ['a request with a body', () => post],
      ['a handshake that is refused', refused],
    ])('in the same read as %s', async (_, first) => {
      const { port, seen } = await startAsking();
      await send(port, real, first(port), fake, browserRequest(port));
      expect(seen).toEqual([]);
    });

    test.each<[string, (port: number) => string, number]>([
      ['a request', () => get, 200],
      ['a request with a body', () => post, 200],
      ['a handshake that is refused', refused, 426],
    ])('after the answer to %s', async (_, first, status) => {
      const { port, seen, engine } = await startAsking();
      const { socket, reader } = await dial(port);
      socket.write(Buffer.concat([real, Buffer.from(first(port))]));
      const answer = await readResponse(reader);
      expect(answer.status).toBe(status);
      // Engine uws would take the next header.
      if (engine === 'uws') expect(answer.headers.connection).toBe('close');
      socket.write(Buffer.concat([fake, Buffer.from(browserRequest(port))]));
      await reader.takeRest();
      expect(seen).toEqual([]);
    });

    test('right behind the proxy’s', async () => {
      const { port, seen } = await startAsking();
      await send(port, real, fake, browserRequest(port));
      expect(seen).toEqual([]);
    });
  });
});
