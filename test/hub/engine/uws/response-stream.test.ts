/** A response in pieces on the real engine: what a reader that does not read costs, and every way for it to end. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { UwsExchange } from '../../../../src/hub/engine/uws/exchange.js';
import type { Uws } from '../../../../src/hub/engine/uws/uws.js';
import type { ResponseStream } from '../../../../src/hub/http/exchange-port.js';
import { until } from '../../../support/until.js';

const engine = (await import('uWebSockets.js')) as unknown as { default?: Uws } & Uws;
const uws = engine.default ?? engine;

interface Served {
  readonly stream: ResponseStream;
  readonly client: Socket;
  /** Everything that the client has got. */
  text(): string;
  isAborted(): boolean;
}

/** Serves one stream to one client, which does not read until it is resumed. */
async function serve(): Promise<Served> {
  let stream: ResponseStream | undefined;
  let isAborted = false;
  const app = uws.App();
  app.any('/*', (res, req) => {
    const exchange = new UwsExchange(res, req, {}, '127.0.0.1', false, false);
    exchange.onAborted(() => {
      isAborted = true;
    });
    stream = exchange.stream('200 OK', [['Content-Type', 'text/plain']], 'first;');
  });
  const port = await new Promise<number>((resolve) =>
    app.listen('127.0.0.1', 0, 1, (token) => resolve(uws.us_socket_local_port(token as never))),
  );
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => {
    client.destroy();
    app.close();
  });
  let text = '';
  client.setEncoding('latin1').on('data', (data) => {
    text += data;
  });
  client.pause();
  await once(client, 'connect');
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the stream', () => stream);
  return { stream: stream!, client, text: () => text, isAborted: () => isAborted };
}

/** The body of a chunked answer (RFC 9112 §7.1), and whether it was ended as it should be. */
function parseChunks(answer: string): { body: string; isEnded: boolean } {
  let rest = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  let body = '';
  for (;;) {
    const [, size] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? [];
    if (size === undefined) return { body, isEnded: false };
    const from = size.length + 2;
    const to = from + Number.parseInt(size, 16);
    if (to === from) return { body, isEnded: rest.length === from + 2 };
    body += rest.slice(from, to);
    rest = rest.slice(to + 2);
  }
}

test('tells when the client does not take what it is sent, and when it does again; nothing is lost', async () => {
  const { stream, client, text } = await serve();
  const large = 'x'.repeat(1024 * 1024);
  let written = 0;
  await until('the client to be full', () => {
    written++;
    return !stream.write(large);
  });
  expect(stream.write('small;')).toBe(false);
  client.resume();
  let asked = 0;
  await until('the client to have taken it', () => {
    asked++;
    return stream.write('?');
  });
  stream.end();
  await until('the end', () => parseChunks(text()).isEnded);
  expect(parseChunks(text()).body).toBe(`first;${large.repeat(written)}small;${'?'.repeat(asked)}`);
});

test('is over when the client leaves: what is done with it then does nothing', async () => {
  const { stream, client, isAborted } = await serve();
  client.resetAndDestroy();
  await until('the abort', isAborted);
  expect(stream.write('too late')).toBe(false);
  stream.end();
  stream.terminate();
});

test('ends once, and may be ended again', async () => {
  const { stream, client, text, isAborted } = await serve();
  client.resume();
  stream.end();
  stream.end();
  stream.terminate();
  expect(stream.write('too late')).toBe(false);
  await until('the end', () => parseChunks(text()).isEnded);
  expect(parseChunks(text()).body).toBe('first;');
  expect(isAborted()).toBe(false);
});

test('is cut off without waiting for the client', async () => {
  const { stream, client, isAborted } = await serve();
  await until('the client to be full', () => !stream.write('x'.repeat(1024 * 1024)));
  const closed = once(client, 'close');
  stream.terminate();
  expect(isAborted()).toBe(true);
  client.resume();
  await closed;
});
