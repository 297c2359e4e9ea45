/** What a client's bad input must come to: the end of its own connection, a counter, and nothing for anyone else. */
import type { HubStats } from 'shardhub';
import { expect } from 'vitest';
import { RawClient } from '../clients/raw-client.js';
import { WsClient } from '../clients/ws-client.js';
import { counted } from '../counters.js';
import { encodeFrame, type FrameInput } from '../protocol/frames.js';
import { startHub, type TestHub } from '../servers/hubs.js';
import { until } from '../until.js';

export const MAX_PAYLOAD = 1000;

/** A hub, a bystander that must not notice anything, and a client that is about to misbehave. */
export async function startWithBystander(): Promise<TestHub & { bystander: WsClient; raw: RawClient }> {
  const running = await startHub({ maxPayload: MAX_PAYLOAD, idleTimeout: 8 });
  const bystander = await WsClient.connect(running.hub.wsUrl);
  return { ...running, bystander, raw: await RawClient.open(running.hub.port) };
}

/** Sends frames that end the connection, and checks what both sides make of it. */
export async function endsWith(
  frames: FrameInput[],
  expected: {
    code: number;
    invalid: Partial<HubStats['invalid']>;
    closedAs?: number;
  },
): Promise<void> {
  const { hub, bystander, raw } = await startWithBystander();
  raw.write(Buffer.concat(frames.map(encodeFrame)));
  const { code, frames: replies } = await raw.readToEnd();
  expect({ code, replies }).toEqual({ code: expected.code, replies: [] });
  await until('the connection to be counted', () => hub.stats().connections.open === 1);
  const { invalid, connections } = hub.stats();
  expect(counted(invalid)).toEqual(expected.invalid);
  expect(connections.closed).toMatchObject({ [expected.closedAs ?? expected.code]: 1 });
  expect(await bystander.ask('unharmed')).toBe('unharmed');
}
