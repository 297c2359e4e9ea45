/**
 * What docs/internals/engine.md says of uWebSockets.js, on the bare engine: to be run first when the engine is another
 * one. A fact that does not hold any more is good news or bad; the page and the code that it names change with it.
 */
import { spawnSync } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  Uws,
  UwsApp,
  UwsBehavior,
  UwsRequest,
  UwsResponse,
  UwsSocket,
} from '../../../../src/hub/engine/uws/uws.js';
import { RawClient } from '../../../support/clients/raw-client.js';
import { dial } from '../../../support/clients/raw-http.js';
import { closePayload, Opcode } from '../../../support/protocol/frames.js';
import { turn, until } from '../../../support/until.js';

const engine = (await import('uWebSockets.js')) as unknown as { default?: Uws } & Uws;
const uws = engine.default ?? engine;

function listen(app: UwsApp, mode = 1, port = 0): number | false {
  let found: number | false = false;
  app.listen('127.0.0.1', port, mode, (token) => {
    found = token && uws.us_socket_local_port(token);
  });
  return found;
}

function serve(setUp: (app: UwsApp) => void): number {
  const app = uws.App();
  setUp(app);
  onTestFinished(() => void app.close());
  return listen(app) as number;
}

/** A WebSocket at the bare engine, and its client. */
async function connect<T extends object>(behavior: Partial<UwsBehavior<T>> = {}) {
  const closes: [code: number, text: string][] = [];
  let socket: (UwsSocket & T) | undefined;
  const port = serve((app) =>
    app.ws<T>('/ws', {
      maxPayloadLength: 1000,
      idleTimeout: 120,
      maxBackpressure: 0,
      compression: uws.DISABLED,
      open: (opened) => {
        socket = opened;
      },
      close: (_, code, message) => closes.push([code, Buffer.from(message).toString()]),
      ...behavior,
    } as UwsBehavior<T>),
  );
  const client = await RawClient.open(port);
  await until('the socket', () => socket);
  return { socket: socket!, client, closes };
}

describe('sending', () => {
  test('says 1 for sent, and 0 for accepted and buffered', async () => {
    const { socket, client } = await connect();
    client.pause();
    const bytes = new Uint8Array(100_000);
    expect(socket.send(bytes, true, false)).toBe(1);
    await until('the kernel to be full', () => socket.send(bytes, true, false) === 0);
    expect(socket.getBufferedAmount()).toBeGreaterThan(0);
  });

  test('a large send inside of drain stalls for good', async () => {
    const bytes = new Uint8Array(300_000);
    let sent = 0;
    const send = (socket: UwsSocket) => {
      for (; socket.getBufferedAmount() < 65_536; sent += bytes.length) socket.send(bytes, true, false);
    };
    const { socket, client } = await connect({ drain: send });
    client.pause();
    send(socket);
    let received = 0;
    client.socket.on('data', (data) => {
      received += data.length;
    });
    // All that the kernel had has been read, but for heads of frames, and nothing more comes.
    const isAtRest = () => received > 0 && received + socket.getBufferedAmount() >= sent;
    let restedTurns = 0;
    await until('a stall', async () => {
      if (!isAtRest()) client.resume();
      await turn();
      client.pause();
      restedTurns = isAtRest() ? restedTurns + 1 : 0;
      return restedTurns === 200;
    });
    expect(socket.getBufferedAmount()).toBeGreaterThan(0);
  });

  test.each([
    ['half a surrogate pair: no UTF-8', 'a\ud800b', '61eda08062'],
    ['undefined: an empty message', undefined, ''],
    ['shared memory', new SharedArrayBuffer(2), '0000'],
  ])('%s', async (_, data, sent) => {
    const { socket, client } = await connect();
    socket.send(data as never, false, false);
    expect((await client.nextFrame())!.payload.toString('hex')).toBe(sent);
  });

  test('a DataView throws', async () => {
    const { socket } = await connect();
    expect(() => socket.send(new DataView(new ArrayBuffer(1)) as never, true, false)).toThrow();
  });
});

describe('receiving', () => {
  test('a message’s memory is gone behind its microtasks; a ping’s is used again without a sign', async () => {
    const lengths: number[] = [];
    let ping: ArrayBuffer | undefined;
    const { client } = await connect({
      message: (_, message) => {
        const look = () => lengths.push(message.byteLength);
        look();
        queueMicrotask(look);
        setImmediate(look);
      },
      ping: (_, payload) => {
        ping = payload;
      },
    });
    client.text('hello');
    client.frame({ opcode: Opcode.Ping, payload: 'x' });
    await until('all', () => lengths.length === 3 && ping);
    await turn();
    expect([...lengths, ping!.byteLength]).toEqual([5, 5, 0, 1]);
  });

  test('of empty fragments nothing is told until the message ends', async () => {
    const lengths: number[] = [];
    let pings = 0;
    const { client } = await connect({
      message: (_, message) => lengths.push(message.byteLength),
      ping: () => pings++,
    });
    client.frame({ opcode: Opcode.Text, payload: 'a', fin: false });
    for (let i = 0; i < 1000; i++) client.frame({ opcode: Opcode.Continuation, fin: false });
    client.frame({ opcode: Opcode.Ping });
    await until('the ping', () => pings);
    expect(lengths).toEqual([]);
    client.frame({ opcode: Opcode.Continuation, payload: 'b' });
    await until('the message', () => lengths.length);
    expect(lengths).toEqual([2]);
  });

  test.each<[string, (client: RawClient) => unknown, [number, string], answer: number]>([
    ['too large', (client) => client.binary(new Uint8Array(1001)), [1006, 'Received too big message'], 1006],
    [
      'not UTF-8',
      (client) => client.frame({ opcode: Opcode.Text, payload: Uint8Array.of(0xff) }),
      [1006, 'Received invalid UTF-8'],
      1006,
    ],
    ['no frame', (client) => client.frame({ opcode: 3 }), [1006, 'Received invalid WebSocket frame'], 1006],
    ['close 1012', (client) => client.close(1012), [1006, 'Received invalid close payload'], 1005],
    ['close 3000', (client) => client.close(3000), [1006, 'Received invalid close payload'], 1005],
    ['close 4000', (client) => client.frame({ opcode: 8, payload: closePayload(4000) }), [4000, ''], 4000],
    ['FIN', (client) => client.socket.end(), [1006, 'Received TCP FIN before WebSocket close frame'], 1006],
  ])('%s: what is told, and what the peer gets', async (_, act, told, answer) => {
    const { client, closes } = await connect({ message: () => {} });
    act(client);
    await until('the end', () => closes.length);
    expect(closes).toEqual([told]);
    expect((await client.readToEnd()).code).toBe(answer);
  });
});

test('close runs inside of end, and then every call throws; user data is copied onto the socket', async () => {
  class Data {
    own = () => 1;
    method(): number {
      return 2;
    }
  }
  const { socket, closes } = await connect<Data>({
    upgrade: (res, req, context) =>
      res.upgrade(new Data(), req.getHeader('sec-websocket-key'), '', '', context),
  });
  expect([typeof socket.own, typeof socket.method]).toEqual(['function', 'undefined']);
  socket.end(1000, 'bye');
  expect(closes).toEqual([[1000, 'bye']]);
  expect(() => socket.getBufferedAmount()).toThrow(/closed/);
});

describe('HTTP', () => {
  /** What comes back on one connection for some writes, each in a read of its own. */
  async function answers(
    respond: (res: UwsResponse, req: UwsRequest) => void,
    writes: string[],
    isWhole: (text: string) => boolean,
  ) {
    const port = serve((app) =>
      app.any('/*', (res, req) => {
        res.onAborted(() => {});
        respond(res, req);
      }),
    );
    const { socket } = await dial(port);
    let text = '';
    let isClosed = false;
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('close', () => {
      isClosed = true;
    });
    for (const write of writes) {
      const before = text;
      socket.write(write);
      // What is no whole request is read in some turns.
      for (let turns = 0; turns < 10 && text === before; turns++) await turn();
    }
    await until('the answer to be whole', () => isClosed || isWhole(text));
    return { text, isClosed };
  }
  const get = (path: string, headers = 'Host: a\r\n') => `GET ${path} HTTP/1.1\r\n${headers}\r\n`;
  const ok = (res: UwsResponse) => void res.end('ok');

  test('forEach gives every line as UTF-8, getHeader the first, byte by byte; both without what is not ASCII at its ends', async () => {
    const seen: string[] = [];
    const read = (res: UwsResponse, req: UwsRequest) => {
      req.forEach((name, value) => void (name === 'x-a' && seen.push(value)));
      seen.push(req.getHeader('x-a'));
      res.end('ok');
    };
    await answers(read, [get('/', 'Host: a\r\nX-A: aéb\r\nX-A: é two é\r\n')], (text) => text.endsWith('ok'));
    expect(seen).toEqual(['aéb', 'two', 'aÃ©b']);
  });

  test('the request behind endWithoutBody(5) is cut; without a length it is not', async () => {
    const respond = (length?: number) => (res: UwsResponse, req: UwsRequest) => {
      if (req.getUrl() === '/ok') res.end('ok');
      else if (length === undefined) res.endWithoutBody();
      else res.endWithoutBody(length);
    };
    const writes = [get('/'), get('/ok')];
    const isWhole = (text: string) => text.endsWith('ok');
    expect((await answers(respond(5), writes, isWhole)).isClosed).toBe(true);
    expect((await answers(respond(), writes, isWhole)).isClosed).toBe(false);
    const { text } = await answers(
      (res) => void res.endWithoutBody(undefined),
      [get('/')],
      (got) => /\n\r\n/.test(got),
    );
    expect(text).toContain('Content-Length: 9223372036854775808');
  });

  test('end(…, true) of a response in pieces writes a header into its body', async () => {
    const respond = (res: UwsResponse) => {
      res.write('x');
      setImmediate(() => res.cork(() => void res.end(undefined, true)));
    };
    expect((await answers(respond, [get('/')], () => false)).text).toContain('xConnection: close');
  });

  test.each([
    ['HTTP/1.0', ['GET / HTTP/1.0\r\nHost: a\r\n\r\n'], '505'],
    ['a line that is cut behind its method', ['GET ', '/ HTTP/1.1\r\nHost: a\r\n\r\n'], '505'],
    ['headers of over 4096 bytes', [get('/', `Host: a\r\nX: ${'x'.repeat(4200)}\r\n`)], '431'],
    ['two lines of Host', [get('/', 'Host: a\r\nHost: b\r\n')], '200'],
  ])('%s', async (_, writes, status) => {
    const { text } = await answers(ok, writes, (got) => got.includes('\r\n\r\n'));
    expect(text.split(' ')[1]).toBe(status);
  });
});

test('a port is shared by default, and not once somebody says exclusive', () => {
  const apps: UwsApp[] = [];
  onTestFinished(() => {
    for (const app of apps) app.close();
  });
  const open = (mode: number, port: number) => {
    const app = uws.App();
    apps.push(app);
    return listen(app, mode, port);
  };
  const port = open(1, 0) as number;
  apps.pop()!.close();
  expect([open(0, port), open(0, port), open(1, port)]).toEqual([port, port, false]);
});

describe('ends the process', () => {
  const serveWith = (handler: string) => `
    const app = uws.App().any('/*', ${handler});
    app.listen('127.0.0.1', 0, 1, (token) =>
      net.connect(uws.us_socket_local_port(token), '127.0.0.1').end('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'));
  `;
  const socket = (options: string) => `uws.App().ws('/ws', { ${options} }); process.exit(0);`;
  test.each([
    ['an idleTimeout of 7', socket('idleTimeout: 7')],
    ['an idleTimeout of 964', socket('idleTimeout: 964')],
    ['a maxLifetime of 241', socket('maxLifetime: 241')],
    ['an exception that leaves a callback', serveWith('() => { throw new Error("x"); }')],
    ['a response that is neither answered nor watched', serveWith('() => {}')],
    ['a Unix path of 200 bytes', `uws.App().listen_unix(() => process.exit(0), '/tmp/' + 'x'.repeat(195));`],
    [
      'a thread that ends while it listens',
      `const text = \`import('uWebSockets.js').then((uws) => (uws.default ?? uws).App().any('/*', () => {})
         .listen('127.0.0.1', 0, 1, () => setImmediate(() => process.exit())))\`;
       new Worker(text, { eval: true }).on('exit', () => process.exit(0));`,
    ],
  ])('%s', (_, program) => {
    const imports = `import net from 'node:net'; import { Worker } from 'node:worker_threads';
      const namespace = await import('uWebSockets.js'); const uws = namespace.default ?? namespace;`;
    const args = ['--input-type=module', '--eval', imports + program];
    const { status, error } = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 30_000 });
    expect(error).toBeUndefined();
    expect(status).not.toBe(0);
  });
});
