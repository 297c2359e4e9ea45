/**
 * Damaged input from a generator: the hub's process lives, a bystander is served after each run, nothing is left behind.
 * SHARDHUB_SEED and SHARDHUB_RUNS give other runs; a failure prints its seed and the smallest input that fails.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { startHubProcess } from '../support/processes/processes.js';
import { SEED } from '../support/property.js';
import { describeFrame, toBytes, validOutcome } from '../support/protocol/conversation.js';
import { Opcode } from '../support/protocol/frames.js';
import {
  conversation,
  cutAt,
  cuts,
  damagedFrames,
  noise,
  notAHandshake,
} from '../support/protocol/fuzz-input.js';
import { startEngine } from '../support/servers/engine.js';
import { turn, until } from '../support/until.js';

const MAX_PAYLOAD = 20_000;

function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  check: (value: T) => Promise<void>,
): Promise<void> {
  const numRuns = Number(process.env.SHARDHUB_RUNS ?? runs);
  return fc.assert(fc.asyncProperty(arbitrary, check), { seed: SEED, numRuns });
}

/** A hub in a process of its own and a client that must not notice anything. */
async function startFuzzed() {
  const hub = await startHubProcess({ maxPayload: MAX_PAYLOAD, logLevel: 'warn' });
  const bystander = await WsClient.connect(hub.wsUrl);
  let runs = 0;
  return {
    hub,
    unharmed: async () => {
      const text = `run ${++runs}`;
      expect(await bystander.ask(text)).toBe(text);
    },
    /** Checks that nothing is left but the bystander, then that nothing is left at all. */
    finish: async () => {
      await until('the bystander to be alone', async () => (await hub.stats()).connections.open === 1);
      await bystander.close(1000);
      const isIdle = async () => {
        const { connections, messages } = await hub.stats();
        return connections.open === 0 && messages.inFlight === 0;
      };
      await until('nothing to be left', isIdle);
      const stats = await hub.stats();
      expect(stats).toMatchObject({
        messages: { inFlight: 0, inFlightBytes: 0 },
        outbound: { queuedMessages: 0, queuedBytes: 0, engineBytes: 0 },
        handlerErrors: 0,
        handlerTimeouts: 0,
        workerExits: 0,
        crashed: 0,
      });
      for (const shard of stats.shards) expect(shard).toMatchObject({ connections: 0, inFlight: 0 });
      await hub.close();
      expect(await hub.exited).toEqual({ code: 0, signal: null, stderr: '' });
      return stats;
    },
  };
}

/** Writes in segments of their own, then no more: the peer ends the connection when it has read everything. */
async function sendAll(client: RawClient, writes: readonly Buffer[]): Promise<void> {
  for (const bytes of writes) {
    client.write(bytes);
    await turn();
  }
  client.socket.end();
  await client.ended;
}

/** The data messages that a server makes of some bytes after a good handshake. */
async function messagesOf(port: number, writes: readonly Buffer[]): Promise<string[]> {
  const client = await RawClient.open(port);
  await sendAll(client, writes);
  const { frames } = await client.readToEnd();
  return frames.map(describeFrame);
}

// In the title, because a hub that does not answer fails by a time-out, of which the generator knows nothing.
describe(`seed ${SEED}`, () => {
  test('anything but a handshake', async () => {
    const { hub, unharmed, finish } = await startFuzzed();
    await fuzz(notAHandshake(hub.port), 300, async (writes) => {
      await sendAll(await RawClient.dial(hub.port), writes);
      await unharmed();
    });
    const { connections, rejected } = await finish();
    // Some of it was still a handshake, and some was a handshake that is refused.
    expect(connections.opened).toBeGreaterThan(1);
    expect(rejected['not-found'] + rejected['not-a-websocket'] + rejected['bad-version']).toBeGreaterThan(0);
  });

  test('noise after a good handshake', async () => {
    const { hub, unharmed, finish } = await startFuzzed();
    await fuzz(noise, 300, async (writes) => {
      await sendAll(await RawClient.open(hub.port), writes);
      await unharmed();
    });
    const { invalid } = await finish();
    expect(invalid['protocol-error']).toBeGreaterThan(0);
  });

  test('valid frames, cut into writes anywhere, are all answered', async () => {
    const { hub, unharmed, finish } = await startFuzzed();
    await fuzz(fc.record({ frames: conversation, cuts }), 150, async ({ frames, cuts: parts }) => {
      const expected = validOutcome([frames]);
      const client = await RawClient.open(hub.port);
      for (const bytes of cutAt(toBytes(frames), parts)) {
        client.write(bytes);
        await turn();
      }
      const messages: string[] = [];
      const pongs: string[] = [];
      // The outcome has one message more, which the conversation ends with elsewhere.
      const due = expected.messages.length - 1 + expected.pongs.length;
      while (messages.length + pongs.length < due) {
        const frame = await client.nextFrame();
        if (frame === undefined) break;
        (frame.opcode === Opcode.Pong ? pongs : messages).push(describeFrame(frame));
      }
      client.destroy();
      expect({ messages, pongs }).toEqual({
        messages: expected.messages.slice(0, -1),
        pongs: expected.pongs,
      });
      await unharmed();
    });
    await finish();
  });

  test('frames with one damage: what is answered is what the engine alone answers, up to the end', async () => {
    const { hub, unharmed, finish } = await startFuzzed();
    const engine = await startEngine(MAX_PAYLOAD);
    try {
      await fuzz(damagedFrames, 400, async (writes) => {
        const [through, alone] = await Promise.all([
          messagesOf(hub.port, writes),
          messagesOf(engine.port, writes),
        ]);
        // Messages that are under way when the connection ends lose their answers, here or there: the last ones, never others.
        const both = Math.min(through.length, alone.length);
        expect(through.slice(0, both)).toEqual(alone.slice(0, both));
        await unharmed();
      });
    } finally {
      await engine.stop();
    }
    const { invalid, messages, dropped } = await finish();
    expect(messages.received).toBe(messages.sent + dropped['connection-gone']);
    expect(invalid['protocol-error']).toBeGreaterThan(0);
    expect(invalid['invalid-utf8']).toBeGreaterThan(0);
    expect(invalid['too-large']).toBeGreaterThan(0);
    expect(messages.sent).toBeGreaterThan(400);
  });
});
