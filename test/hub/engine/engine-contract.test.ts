/** The contract of the engine port, point by point, for every engine: see src/hub/engine/engine-port.ts. */
import { Agent } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { HandshakePort } from '../../../src/hub/admission/upgrade.js';
import { fetchRaw } from '../../support/clients/http-client.js';
import { handshakeRequest, RawClient, tryHandshake } from '../../support/clients/raw-client.js';
import { dial, rawRequest, readResponse } from '../../support/clients/raw-http.js';
import { accept, ENGINES, type Socket, startBareEngine } from '../../support/engines/bare-engine.js';
import { encodeFrame, Opcode } from '../../support/protocol/frames.js';
import { turn, until } from '../../support/until.js';

const text = (payload: string) => encodeFrame({ opcode: Opcode.Text, payload });
const told = (socket: Socket, count: number) =>
  until(
    () => `${count} calls after ${socket.told}`,
    () => (socket.told.length >= count ? socket.told : undefined),
  );

describe.each(ENGINES.map((engine) => [engine.name, engine] as const))('engine %s', (_name, engine) => {
  describe('handshakes', () => {
    test('come with all that the request says, and are refused with what the host answers', async () => {
      const requests: HandshakePort['request'][] = [];
      const { port } = await startBareEngine(engine, {
        onHandshake: (handshake) => {
          requests.push(handshake.request);
          handshake.refuse({
            reason: 'upgrade-hook',
            status: '418 No Coffee',
            headers: [['X-Why', 'tea']],
            body: 'tea',
          } as never);
        },
      });
      const headers = { 'sec-websocket-protocol': 'a, b', 'x-own': 'é', 'X-Twice': '1' };
      const response = await tryHandshake(port, { path: '/ws?q=1&r', headers });
      expect(response).toMatchObject({ status: 418, body: 'tea\n' });
      expect(requests).toMatchObject([
        {
          url: '/ws?q=1&r',
          path: '/ws',
          query: 'q=1&r',
          subprotocols: ['a', 'b'],
          remoteAddress: '127.0.0.1',
        },
      ]);
      expect(requests[0]!.headers).toMatchObject({ 'x-twice': '1', upgrade: 'websocket' });
    });

    test('may be answered later, with headers and a subprotocol', async () => {
      const waiting: HandshakePort[] = [];
      const { port, socket } = await startBareEngine(engine, {
        onHandshake: (handshake) => {
          handshake.defer(() => {});
          waiting.push(handshake);
        },
      });
      const { socket: tcp, reader } = await dial(port);
      tcp.write(handshakeRequest(port, { headers: { 'sec-websocket-protocol': 'a, b' } }));
      const [handshake] = await until('the handshake', () => waiting[0] && waiting);
      const acceptance = accept(handshake!);
      const request = { ...acceptance.request, subprotocol: 'b' };
      handshake!.accept({ ...acceptance, request, headers: [['Set-Cookie', 'a=1']] });
      const { status, headers } = await readResponse(reader);
      expect({ status, headers }).toMatchObject({
        status: 101,
        headers: { 'sec-websocket-protocol': 'b', 'set-cookie': 'a=1' },
      });
      tcp.write(text('after'));
      expect(await told(await socket(), 1)).toEqual(['text after']);
    });

    test('whose peer goes before they are answered are told once', async () => {
      let aborts = 0;
      const waiting: HandshakePort[] = [];
      const { port, sockets } = await startBareEngine(engine, {
        onHandshake: (handshake) => {
          waiting.push(handshake);
          handshake.defer(() => void aborts++);
        },
      });
      const { socket } = await dial(port);
      socket.write(handshakeRequest(port));
      await until('the handshake', () => waiting.length > 0);
      socket.destroy();
      await until('its end', () => aborts > 0);
      waiting[0]!.accept(accept(waiting[0]!));
      await turn();
      expect([aborts, sockets.length]).toEqual([1, 0]);
    });

    test('that a host throws for cost their own peer only', async () => {
      let count = 0;
      const { port, errors } = await startBareEngine(engine, {
        onHandshake: (handshake) => {
          if (count++ === 0) throw new Error('broken');
          handshake.accept(accept(handshake));
        },
      });
      await expect(RawClient.open(port)).rejects.toThrow();
      await RawClient.open(port);
      expect(errors).toMatchObject([{ message: 'broken' }]);
    });
  });

  describe('sockets', () => {
    test('hand over messages whole, in order, one call each, and answer pings', async () => {
      const { port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      const frame = (opcode: number, payload: string, fin = true) => encodeFrame({ opcode, payload, fin });
      const stream = Buffer.concat([
        text('one'),
        frame(Opcode.Binary, 'two'),
        frame(Opcode.Text, 'th', false),
        frame(Opcode.Ping, 'p'),
        frame(Opcode.Continuation, 'ree'),
        text(''),
        frame(Opcode.Binary, 'x'.repeat(70_000)),
        text('last'),
      ]);
      const expected = [
        'text one',
        'binary two',
        'ping p',
        'text three',
        'text',
        'binary of 70000',
        'text last',
      ];
      client.write(stream);
      const { told: calls, port: own } = await socket();
      await until('everything', () => calls.length >= expected.length);
      expect(calls.map((call) => call.trim())).toEqual(expected);
      expect(await client.nextFrame()).toMatchObject({ opcode: Opcode.Pong, payload: Buffer.from('p') });
      // And in pieces of any size.
      for (let at = 0; at < stream.length; at += 1021) {
        client.write(stream.subarray(at, at + 1021));
        await turn();
      }
      await until('everything again', () => calls.length >= 2 * expected.length);
      expect(calls.slice(expected.length).map((call) => call.trim())).toEqual(expected);
      own.ping(Buffer.from('q'));
      expect(await client.nextFrame()).toMatchObject({ opcode: Opcode.Pong });
      expect(await client.nextFrame()).toMatchObject({ opcode: Opcode.Ping, payload: Buffer.from('q') });
      client.frame({ opcode: Opcode.Pong, payload: 'q' });
      expect((await told({ port: own, told: calls }, 2 * expected.length + 1)).at(-1)).toBe('pong q');
    });

    test('send in the order of the calls, inside a cork and outside, and read nothing after a call', async () => {
      const { port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      const { port: own } = await socket();
      const bytes = Buffer.alloc(20_000);
      let count = 0;
      const send = (size: number) => {
        own.send(bytes.subarray(0, size).fill(++count), count % 2 === 0);
        bytes.fill(0);
      };
      const sizes = [0, 1, 125, 126, 20_000];
      for (const size of sizes) send(size);
      own.cork(() => {
        for (const size of sizes) send(size);
      });
      send(3);
      for (const [index, size] of [...sizes, ...sizes, 3].entries()) {
        const number = index + 1;
        const opcode = number % 2 === 0 ? Opcode.Binary : Opcode.Text;
        expect(await client.nextFrame()).toMatchObject({
          fin: true,
          opcode,
          masked: false,
          payload: Buffer.alloc(size, number),
        });
      }
    });

    test('buffer what the peer does not read, tell how much, and tell when it gets less', async () => {
      const { port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      client.pause();
      const { port: own, told: calls } = await socket();
      const chunk = Buffer.alloc(1 << 20, 1);
      let sent = 0;
      while (own.bufferedBytes() < 4 << 20) {
        own.send(chunk, true);
        sent++;
        await turn();
      }
      expect(calls).toEqual([]);
      client.resume();
      for (let i = 0; i < sent; i++) expect((await client.nextFrame())?.payload.length).toBe(chunk.length);
      await until('the buffer to be empty', () => own.bufferedBytes() === 0);
      expect(new Set(calls)).toEqual(new Set(['drain']));
    });

    test.each([
      ['the peer closes', 'close 1001 bye', (client: RawClient) => void client.close(1001, 'bye')],
      ['the peer goes', 'close 1006', (client: RawClient) => client.destroy()],
      ['the peer ends its side', 'close 1006', (client: RawClient) => void client.socket.end()],
    ])('tell their end once: %s', async (_what, expected, leave) => {
      const { port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      const open = await socket();
      leave(client);
      const [call] = await told(open, 1);
      expect(call).toMatch(new RegExp(`^${expected}`));
      await client.ended;
      await turn();
      expect(open.told).toHaveLength(1);
    });

    test('are ended by the hub inside the call, from within any callback', async () => {
      const ends: string[] = [];
      const { port } = await startBareEngine(engine, {
        onTold: (socket, what) => {
          if (what.startsWith('close')) return;
          if (what === 'text end') socket.port.end(3456, 'enough');
          else socket.port.terminate();
          ends.push(`${what}: ${socket.told.at(-1)}`);
        },
      });
      for (const payload of ['end', 'terminate']) {
        const client = await RawClient.open(port);
        client.write(Buffer.concat([text(payload), text('never seen')]));
        const { code, reason } = await client.readToEnd();
        expect([code, reason]).toEqual(payload === 'end' ? [3456, 'enough'] : [1006, '']);
        client.destroy();
      }
      const [first, second] = ends;
      expect(ends).toHaveLength(2);
      expect(first).toMatch(/^text end: close/);
      expect(second).toMatch(/^text terminate: close 1006/);
    });

    test('may be written to and ended while they open', async () => {
      const { port, sockets } = await startBareEngine(engine, {
        onOpen: (socket) => {
          socket.port.send(Buffer.from('welcome'), false);
          socket.port.end(1008, 'and goodbye');
        },
      });
      const client = await RawClient.open(port);
      const { frames, code } = await client.readToEnd();
      expect([frames.map(({ payload }) => String(payload)), code]).toEqual([['welcome'], 1008]);
      expect(await told(sockets[0]!, 1)).toHaveLength(1);
    });

    test.each([
      ['a message of more than twice maxPayload', { opcode: Opcode.Binary, payload: Buffer.alloc(200_001) }],
      ['reserved bits', { opcode: Opcode.Text, payload: 'x', rsv: 2 }],
      ['text that is no UTF-8', { opcode: Opcode.Text, payload: Buffer.from([0xff]) }],
    ])('are ended by the engine for %s, and what came before is told', async (_what, bad) => {
      const { port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      client.write(Buffer.concat([text('good'), encodeFrame(bad), text('late')]));
      const open = await socket();
      const [good, end] = await told(open, 2);
      expect(good).toBe('text good');
      expect(end).toMatch(/^close/);
      await client.ended;
      expect(open.told).toHaveLength(2);
    });

    test.runIf(engine.canPause)('stop to be read at once, and go on where they stopped', async () => {
      const { port, socket } = await startBareEngine(engine, {
        onTold: ({ port: own }, what) => {
          if (what === 'text 3') own.pause();
        },
      });
      const client = await RawClient.open(port);
      const { port: own, told: calls } = await socket();
      expect(own.canPause).toBe(true);
      client.write(Buffer.concat([...'123456789'].map(text)));
      await until('the pause', () => calls.length === 3);
      // Far more than the kernel takes is not read either.
      let isFull = false;
      for (let i = 0; i < 1000 && !isFull; i++) isFull = !client.binary(Buffer.alloc(90_000));
      await turn();
      expect(calls).toHaveLength(3);
      own.resume();
      expect(calls).toHaveLength(3);
      await until('the rest of the read', () => calls.length >= 10);
      expect(calls.slice(0, 10)).toEqual(
        [...'123456789'].map((digit) => `text ${digit}`).concat('binary of 90000'),
      );
      // A paused socket ends like any other.
      own.pause();
      own.end(1000, 'done');
      expect((await client.readToEnd()).code).toBe(1000);
    });
  });

  describe('HTTP', () => {
    test('requests come with their bodies, and are answered in their order', async () => {
      const { port } = await startBareEngine(engine, {
        onRequest: (exchange) => {
          if (exchange.method === 'GET') {
            const answer = () =>
              exchange.respond('200 OK', [['X-Own', 'yes']], `${exchange.path}?${exchange.query}`);
            exchange.onAborted(() => {});
            setImmediate(answer);
          } else exchange.readBody(10, (body) => exchange.respond('200 OK', [], body ?? 'too long'));
        },
      });
      expect(await rawRequest(port, 'GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n')).toMatchObject({
        status: 200,
        body: '/a?b=c',
        headers: { 'x-own': 'yes' },
      });
      const post = (body: string) =>
        rawRequest(port, `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      expect((await post('0123456789')).body).toBe('0123456789');
      expect((await post('0123456789a')).body).toBe('too long');
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const answers = [];
      for (const path of ['/1', '/2', '/3'])
        answers.push(await fetchRaw(`http://127.0.0.1:${port}${path}`, { agent }));
      agent.destroy();
      expect(answers.map(({ body, reusedSocket }) => [String(body), reusedSocket])).toEqual([
        ['/1?', false],
        ['/2?', true],
        ['/3?', true],
      ]);
    });

    test('that a host throws for cost their own client only', async () => {
      const { port, errors } = await startBareEngine(engine, {
        onRequest: (exchange) => {
          if (exchange.path === '/bad') throw new Error('broken');
          exchange.respond('200 OK', [], 'well');
        },
      });
      await expect(rawRequest(port, 'GET /bad HTTP/1.1\r\nHost: x\r\n\r\n')).resolves.not.toMatchObject({
        status: 200,
      });
      expect(await rawRequest(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatchObject({ body: 'well' });
      expect(errors).toMatchObject([{ message: 'broken' }]);
    });
  });

  describe('the listener', () => {
    test('pauses, resumes and stops, and open sockets stay', async () => {
      const { server, port, socket } = await startBareEngine(engine);
      const client = await RawClient.open(port);
      server.pauseListening();
      await until('nobody to be let in', () =>
        RawClient.dial(port).then(
          () => false,
          () => true,
        ),
      );
      client.text('still here');
      expect(await told(await socket(), 1)).toEqual(['text still here']);
      await server.resumeListening();
      await RawClient.open(port);
      server.stopListening();
      await until('nobody to be let in', () =>
        RawClient.dial(port).then(
          () => false,
          () => true,
        ),
      );
      client.text('and here');
      await told(await socket(), 2);
      server.close();
      expect(await client.readToEnd()).toMatchObject({ code: 1006 });
      expect((await socket()).told).toHaveLength(3);
    });

    test('says that its port is in use', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await until('the other', () => other.listening);
      const { port } = other.address() as { port: number };
      try {
        await expect(startBareEngine(engine, {}, { port })).rejects.toMatchObject({
          code: 'ERR_LISTEN',
          message: expect.stringContaining(String(port)),
        });
      } finally {
        other.close();
      }
    });
  });
});
