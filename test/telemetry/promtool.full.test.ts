/** Prometheus' own tool finds nothing to say against what `/metrics` writes. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { startHub } from '../support/servers/hubs.js';

const PROMTOOL = '/usr/bin/promtool';

test.skipIf(isProgramMissing(PROMTOOL, 'prometheus'))('promtool check metrics', async () => {
  const { hub } = await startHub();
  const client = await WsClient.connect(hub.wsUrl);
  await client.ask('hello');
  await client.close();
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  expect(execFileSync(PROMTOOL, ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
});
