/** What a listener does when the engine does not let it listen again: real engines cannot be made to refuse on cue. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Listener } from '../../../../src/hub/engine/uws/listener.js';
import type { Uws, UwsApp, UwsListenToken } from '../../../../src/hub/engine/uws/uws.js';
import { temporaryFolder } from '../../../support/processes/temporary-folder.js';

/** An engine that notes what it is asked. */
function fakeEngine() {
  const open = new Set<string>();
  const uws = {
    us_listen_socket_close: (token: unknown) => void open.delete(String(token)),
    us_socket_local_port: () => 4711,
  } as unknown as Uws;
  const app = (name: string, mayListen: () => boolean): UwsApp => {
    const listen: UwsApp['listen'] = (_host, _port, _mode, callback) => {
      const isOk = mayListen();
      if (isOk) open.add(name);
      callback(isOk && (name as unknown as UwsListenToken));
      return {} as UwsApp;
    };
    return { listen } as UwsApp;
  };
  return { uws, open, app };
}

test.each([{ sharePort: false }, { sharePort: true }])(
  'an app that may not listen leaves the one before listening (%j)',
  async ({ sharePort }) => {
    const { uws, open, app } = fakeEngine();
    const listener = new Listener(uws, { host: 'h', port: 4711, sharePort });
    const before = app('before', () => true);
    expect(await listener.open(before)).toBe(4711);
    const refused = app('next', () => false);
    expect(() => listener.move(before, refused)).toThrow(/cannot listen on h port 4711/);
    expect([...open]).toEqual(['before']);
    expect(listener.isOpen).toBe(true);
    listener.move(
      before,
      app('next', () => true),
    );
    expect([...open]).toEqual(['next']);
    listener.close();
    expect([...open]).toEqual([]);
    expect(listener.isOpen).toBe(false);
  },
);

test('a port that is shared is listened on without a gap, one that is not is let go first', async () => {
  for (const sharePort of [true, false]) {
    const { uws, open, app } = fakeEngine();
    const listener = new Listener(uws, { host: 'h', port: 4711, sharePort });
    const before = app('before', () => true);
    await listener.open(before);
    let others: string[] = [];
    const next = app('next', () => {
      others = [...open];
      return true;
    });
    listener.move(before, next);
    expect(others).toEqual(sharePort ? ['before'] : []);
  }
});

test('a free port that another process takes in the very moment is left to it', async () => {
  const { uws, open, app } = fakeEngine();
  const listener = new Listener(uws, { host: 'h', port: 0, sharePort: false });
  let asked = 0;
  expect(await listener.open(app('app', () => ++asked !== 2))).toBe(4711);
  expect(asked).toBe(4);
  expect([...open]).toEqual(['app']);
  const taken = new Listener(uws, { host: '127.0.0.1', port: 0, sharePort: false });
  asked = 0;
  await expect(taken.open(app('no', () => ++asked % 2 === 1))).rejects.toThrow(
    /cannot listen on 127.0.0.1 port 4711/,
  );
});

test('a Unix socket that somebody else has taken in a pause is not taken back', async () => {
  const path = join(temporaryFolder(), 'hub.sock');
  const app = {
    listen_unix: (callback: (token: UwsListenToken) => void) => {
      writeFileSync(path, 'ours');
      callback('token' as unknown as UwsListenToken);
    },
  } as unknown as UwsApp;
  const { uws } = fakeEngine();
  const listener = new Listener(uws, { host: 'h', port: 0, sharePort: false, unixSocket: path });
  await listener.open(app);
  listener.pause();
  listener.resume(app);
  listener.pause();
  writeFileSync(`${path}.theirs`, 'theirs');
  renameSync(`${path}.theirs`, path);
  expect(() => listener.resume(app)).toThrow(/somebody else has taken it/);
  listener.close();
  expect(readFileSync(path, 'utf8')).toBe('theirs');
});
