/** Messages over `maxPayload`: 1009 from the hub up to twice that size, and the end of the connection by the engine beyond. */
import type { Hub } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { Barriers } from '../../support/barriers.js';
import { RawClient } from '../../support/clients/raw-client.js';
import { byEngine } from '../../support/engines/under-test.mjs';
import { endsWith, MAX_PAYLOAD, startWithBystander } from '../../support/faults/bad-input.js';
import { encodeFrame, type FrameInput, Opcode } from '../../support/protocol/frames.js';
import { fixture, startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

const { Binary, Continuation, Text } = Opcode;
/** From the engine itself. */
const BEYOND = byEngine({ uws: 1006, node: 1009 });

describe('a message over maxPayload', () => {
  const tooLarge = { 'too-large': 1 };
  test.each<[string, number, FrameInput[]]>([
    ['by a byte: 1009', 1009, [{ opcode: Binary, payload: Buffer.alloc(MAX_PAYLOAD + 1) }]],
    ['up to twice: 1009', 1009, [{ opcode: Text, payload: 'x'.repeat(2 * MAX_PAYLOAD) }]],
    [
      'in fragments: 1009',
      1009,
      [
        { opcode: Binary, fin: false, payload: Buffer.alloc(MAX_PAYLOAD) },
        { opcode: Continuation, payload: Buffer.alloc(1) },
      ],
    ],
    [
      'more than twice: ended by the engine',
      BEYOND,
      [{ opcode: Binary, payload: Buffer.alloc(2 * MAX_PAYLOAD + 100) }],
    ],
    ['claimed to be huge', BEYOND, [{ opcode: Binary, payload: 'few bytes', claimedLength: 2 ** 40 }]],
  ])('%s', (_name, code, frames) => endsWith(frames, { code, invalid: tooLarge }));

  test('and one of exactly maxPayload is echoed', async () => {
    const { hub, raw } = await startWithBystander();
    raw.binary(Buffer.alloc(MAX_PAYLOAD, 5));
    expect((await raw.nextFrame())?.payload).toEqual(Buffer.alloc(MAX_PAYLOAD, 5));
    expect(hub.stats().invalid['too-large']).toBe(0);
  });
});

test.each([2, 0])(
  'what came before it is answered before 1009, what comes after it is not (workers: %i)',
  async (workers) => {
    const { hub } = await startHub({ workers, handler: fixture('gates.mjs'), maxPayload: MAX_PAYLOAD });
    const barriers = new Barriers();
    const { pathname, search } = new URL(barriers.url(hub.wsUrl));
    const client = await RawClient.open(hub.port, { path: pathname + search });
    client.text('wait');
    client.text('behind it');
    await barriers.waitFor('waiting');
    client.binary(Buffer.alloc(MAX_PAYLOAD + 1));
    client.text('too late');
    await until('the last message to be dropped', () => hub.stats().dropped.draining === 1);
    barriers.lift('release');
    const { frames, code } = await client.readToEnd();
    expect(frames.map(({ payload }) => payload.toString())).toEqual(['waited', 'behind it']);
    expect(code).toBe(1009);
    expect(hub.stats()).toMatchObject({ messages: { received: 2, sent: 2 }, invalid: { 'too-large': 1 } });
  },
);

/** Both are there at once: what answers the ping has not left when the message is looked at. */
describe('in the same read as a ping', () => {
  const ping = { opcode: Opcode.Ping, payload: 'p' };
  const answersTo = async (hub: Hub, frames: FrameInput[]) => {
    const client = await RawClient.open(hub.port);
    client.write(Buffer.concat(frames.map(encodeFrame)));
    expect(await client.nextFrame()).toMatchObject({ opcode: Opcode.Pong });
    return client;
  };

  test('a message over maxPayload gets its 1009, and a close of the application its code', async () => {
    const { hub } = await startHub({
      maxPayload: MAX_PAYLOAD,
      onPing: (c, p) => p.length > 1 && c.close(4001),
    });
    const large = { opcode: Binary, payload: Buffer.alloc(MAX_PAYLOAD + 1) };
    expect((await (await answersTo(hub, [ping, large])).readToEnd()).code).toBe(1009);
    expect((await (await answersTo(hub, [{ ...ping, payload: 'close' }])).readToEnd()).code).toBe(4001);
  });

  test('a message is answered, however low the high-water mark, and nothing counts as buffered', async () => {
    const { hub } = await startHub({ highWaterMark: 1 });
    const client = await answersTo(hub, [ping, { opcode: Text, payload: 'hello' }]);
    expect(String((await client.nextFrame())?.payload)).toBe('hello');
    await until('the buffer to be empty', () => hub.stats().outbound.engineBytes === 0);
  });
});
