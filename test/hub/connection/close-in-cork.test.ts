/** A connection that is closed while its replies are corked ends when the cork does, though its peer does not read. */
import { expect, test } from 'vitest';
import { Connection } from '../../../src/hub/connection/connection.js';
import type { ConnectionHost } from '../../../src/hub/connection/connection-host.js';
import { resolveOptions } from '../../../src/options/options.js';
import { Counters } from '../../../src/telemetry/counters.js';
import { IDLE_SHARD } from '../../support/servers/idle-shard.js';

test('a slow consumer whose queue overflows inside a cork', () => {
  const ends: number[] = [];
  const port = {
    send: () => 0,
    cork: (work: () => void) => work(),
    bufferedBytes: () => 1_000_000,
    end: (code: number) => ends.push(code),
    terminate: () => ends.push(1006),
  };
  const limits = resolveOptions({ maxQueueMessages: 1 });
  const host = { limits, counters: new Counters(), mayLinger: () => true, onGone() {}, onShed() {} };
  const origin = {
    slot: 0,
    generation: 1,
    shard: IDLE_SHARD,
    request: '{}',
    remoteAddress: '',
    route: { path: '/ws', handlerIndex: 0, connections: 0 },
    data: undefined,
    isVirtual: false,
  };
  const connection = new Connection(origin, port as never, host as unknown as ConnectionHost<Connection>);
  const reply = new Uint8Array(10);
  // The first finds out that the peer does not read.
  connection.send(reply, true);
  connection.cork(() => {
    connection.send(reply, true);
    connection.send(reply, true);
    expect(ends).toEqual([]);
  });
  expect(ends).toEqual([1008]);
});
