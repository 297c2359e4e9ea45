/** The hub's WebSocket with itself, where it cannot be had or is cut: real engines cannot be made to do so on cue. */
import { expect, test } from 'vitest';
import { Anchor } from '../../../../src/hub/engine/uws/anchor.js';
import type { Uws, UwsSocket } from '../../../../src/hub/engine/uws/uws.js';
import { freePort } from '../../../support/processes/ports.js';

type Behavior = { open(socket: UwsSocket): void; close(): void };

/** An engine that says that it listens on a port. */
function fakeEngine(port: number) {
  const behaviors: Behavior[] = [];
  let closed = 0;
  const app = {
    ws: (_path: string, behavior: Behavior) => behaviors.push(behavior),
    listen: (_host: string, _port: number, _mode: number, callback: (token: object) => void) => callback({}),
    close: () => closed++,
  };
  const uws = { App: () => app, us_listen_socket_close: () => {}, us_socket_local_port: () => port };
  return { uws: uws as unknown as Uws, behaviors, closed: () => closed };
}

test('where the process may not connect to itself there is none', async () => {
  const { uws, closed } = fakeEngine(await freePort());
  expect(await Anchor.open(uws)).toBeUndefined();
  expect(closed()).toBe(1);
});

test('once it has been cut nothing runs in it', async () => {
  const { uws, behaviors } = fakeEngine(await freePort());
  const opening = Anchor.open(uws);
  behaviors[0]!.open({ cork: (work: () => void) => work() } as UwsSocket);
  const anchor = (await opening)!;
  let runs = 0;
  const work = () => void runs++;
  expect(anchor.cork(work)).toBe(true);
  behaviors[0]!.close();
  expect(anchor.cork(work)).toBe(false);
  expect(runs).toBe(1);
  anchor.close();
});
