/** The relay of a supervisor: the contract, and what happens when one of the two does not take what it is sent, or goes away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAX_WAITING_BYTES } from '../../src/broker/broker.js';
import { FrameReader, FrameWriter, Kind, RELAY_VERSION } from '../../src/broker/relay/frames.js';
import { RelayBroker } from '../../src/broker/relay/relay-broker.js';
import { RelayServer } from '../../src/broker/relay/relay-server.js';
import {
  BOUNDS,
  describeBroker,
  type Engine,
  freshTopic,
  message,
  Node,
} from '../support/broker/contract.js';
import { until } from '../support/until.js';

async function open(path = join(mkdtempSync(join(tmpdir(), 'shardhub-relay-')), 'relay.sock')) {
  const server = new RelayServer();
  await server.listen(path);
  const engine: Engine = { connect: () => new RelayBroker(path), close: () => server.close() };
  return { server, engine, path };
}

async function openHere() {
  const opened = await open();
  onTestFinished(async () => {
    await opened.server.close();
    rmSync(dirname(opened.path), { recursive: true, force: true });
  });
  return opened;
}

describeBroker('relay', async () => {
  const { engine, path } = await open();
  const close = async () => {
    await engine.close();
    rmSync(dirname(path), { recursive: true });
  };
  return { ...engine, close };
});

describe('the relay', () => {
  test('when it is gone it is away at once, and when it is there again everything is followed again', async () => {
    const { server, engine, path } = await openHere();
    const [publisher, follower] = [await Node.start(engine), await Node.start(engine)];
    const [topic, plain] = [freshTopic(), freshTopic()];
    await follower.broker.follow(topic, BOUNDS);
    await follower.broker.follow(plain, undefined);
    await follower.broker.listen('channel');
    const before = await publisher.append(topic, 'before');
    await server.close();
    await until('both to know', () => [publisher, follower].every((one) => one.states.length === 2));
    expect(publisher.states.at(-1)).toEqual({
      state: 'down',
      reason: 'the supervisor is gone: this process serves alone',
    });
    expect(publisher.broker.publish(plain, message('lost'))).toBe('away');
    await expect(publisher.append(topic, 'lost')).rejects.toMatchObject({ code: 'ERR_BROKER_UNAVAILABLE' });
    const next = await open(path);
    onTestFinished(() => next.server.close());
    await until('both to be back', () => publisher.resumed === 1 && follower.resumed === 1);
    expect(publisher.states.at(-1)).toEqual({ state: 'up', reason: '' });
    const after = await publisher.append(topic, 'after');
    // It has another history, and says so.
    expect(after.epoch).not.toBe(before.epoch);
    expect((await publisher.read(topic, before)).reachesBack).toBe(false);
    publisher.broker.publish(plain, message('plain'));
    publisher.broker.signal('channel', Buffer.from('signal'));
    await until('all', () => follower.signals.length === 1);
    expect(follower.messages.map(({ text }) => text)).toEqual(['plain']);
    expect(follower.texts(topic)).toEqual(['before', 'after']);
  });

  test('what waits for a node that takes nothing is bounded; when it takes again it is told that it missed something', async () => {
    const { server, engine, path } = await openHere();
    const publisher = await Node.start(engine);
    const heard: { kind: number; bytes: number }[] = [];
    const stuck = connect(path);
    const reader = new FrameReader((kind, _, bytes) => heard.push({ kind, bytes: bytes.length }));
    stuck.on('data', (piece) => void reader.read(piece));
    const writer = new FrameWriter(stuck);
    writer.write(Kind.Hello, JSON.stringify({ version: RELAY_VERSION, node: 'stuck' }));
    writer.write(Kind.Ask, JSON.stringify({ n: 1, what: 'follow', topic: 't' }));
    await until('its answers', () => heard.length === 2);
    stuck.pause();
    const chunk = { data: Buffer.alloc(1024 * 1024), isBinary: true };
    for (let i = 0; i < 40; i++) await publisher.broker.append('t', chunk, BOUNDS, undefined);
    expect(server.stats().dropped).toBeGreaterThan(10);
    stuck.resume();
    await until('it to be told', () => heard.some(({ kind }) => kind === Kind.Missed));
    const sent = heard.filter(({ kind }) => kind === Kind.Publication);
    expect(sent.length + server.stats().dropped).toBe(40);
    // What was dropped is in the history, though not in one answer.
    let since = { ...(await publisher.read('t', undefined, 1)).position, offset: 0 };
    for (let read = 0; read < 40; ) {
      const { publications, hasMore } = await publisher.broker.read('t', BOUNDS, since, 100);
      expect(publications.length).toBeGreaterThan(0);
      read += publications.length;
      since = { ...since, offset: publications.at(-1)!.offset };
      expect(hasMore).toBe(read < 40);
    }
    stuck.destroy();
  });

  test('what waits for a relay that stands still is bounded, and what is too large is told both numbers', async () => {
    const { engine } = await openHere();
    const node = await Node.start(engine);
    const chunk = { data: Buffer.alloc(1_000_000), isBinary: true };
    // In one turn: nothing is taken meanwhile.
    const verdicts = Array.from({ length: 40 }, () => node.broker.publish('t', chunk));
    expect(verdicts.filter((verdict) => verdict === 'sent').length).toBeLessThan(20);
    expect(verdicts.at(-1)).toBe('busy');
    expect(node.broker.stats().waitingBytes).toBeLessThanOrEqual(MAX_WAITING_BYTES);
    await expect(node.broker.append('t', chunk, BOUNDS, undefined)).rejects.toMatchObject({
      code: 'ERR_BROKER_BUSY',
    });
    const large = { data: Buffer.alloc(MAX_WAITING_BYTES), isBinary: true };
    expect(node.broker.publish('t', large)).toBe('too-large');
    await expect(node.broker.append('t', large, BOUNDS, undefined)).rejects.toMatchObject({
      code: 'ERR_TOPIC_PAYLOAD',
      message: expect.stringMatching(/takes 167\d{5} bytes but the broker relay takes at most \d+/),
    });
    await until('all to be sent', () => node.broker.stats().waitingBytes === 0);
    await node.append('t', 'x');
  });

  test('who speaks another version is told so and sent away, whichever side it is; nonsense costs nobody else anything', async () => {
    const { server, engine, path } = await openHere();
    const node = await Node.start(engine);
    const answers: string[] = [];
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x05\x01\0\0\0\0', '\0\0\0\x06\x01\0\0\0\x01{']) {
      const socket = connect(path);
      const reader = new FrameReader((_, text) => answers.push(text));
      socket.on('data', (piece) => void reader.read(piece));
      socket.write(bytes);
      await new Promise((resolve) => socket.on('close', resolve));
    }
    const old = connect(path);
    old.on('data', (piece) => void new FrameReader((_, text) => answers.push(text)).read(piece));
    new FrameWriter(old).write(Kind.Hello, JSON.stringify({ version: 99, node: 'new' }));
    await new Promise((resolve) => old.on('close', resolve));
    expect(answers).toEqual([JSON.stringify({ version: RELAY_VERSION })]);
    expect(server.stats().nodes).toBe(1);
    await node.append('t', 'x');
    const other = await openHere();
    await other.server.close();
    const newer = createServer((socket) =>
      new FrameWriter(socket).write(Kind.Hello, JSON.stringify({ version: 99 })),
    ).listen(other.path);
    onTestFinished(() => void newer.close());
    await expect(Node.start(other.engine)).rejects.toMatchObject({
      code: 'ERR_BROKER',
      message: expect.stringContaining('the supervisor speaks version 99'),
    });
  });
});
