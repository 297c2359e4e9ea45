/** A hub whose process has no file descriptor left for another connection. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { dial, readResponse } from '../../support/clients/raw-http.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { until } from '../../support/until.js';

/** More than the modules that Node.js opens at a time while the process starts. */
const LIMIT = 256;
const WINDOW_MS = 300;
/** Far more than what is to be done in that time takes, and far fewer than a loop without a pause makes. */
const MAX_LOOPS = 200;

test.runIf(process.platform === 'linux')(
  'where descriptors run out the hub rests and says so, and takes connections again when there are some',
  async () => {
    const options = { workers: 1, logLevel: 'warn', maxConnections: 1000 } as const;
    const hub = await startHubProcess(options, LIMIT);
    const client = await WsClient.connect(hub.wsUrl);
    const { socket, reader } = await dial(hub.port);
    const readyz = () => {
      socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
      return readResponse(reader);
    };
    expect(await readyz()).toMatchObject({ status: 200 });

    const others = Array.from({ length: LIMIT }, () => {
      const other = connect(hub.port, '127.0.0.1').on('error', () => {});
      onTestFinished(() => void other.destroy());
      return other;
    });
    const answer = await until('a pause', async () => {
      const response = await readyz();
      return response.status === 503 ? response : undefined;
    });
    expect(answer.body).toBe('file descriptors have run out\n');
    await expect(WsClient.connect(hub.wsUrl)).rejects.toThrow('ECONNREFUSED');

    const [began, loops] = [performance.now(), await hub.loops()];
    await until('some time to pass', () => performance.now() > began + WINDOW_MS);
    expect((await hub.loops()) - loops).toBeLessThan(MAX_LOOPS);
    expect(await client.ask('still served')).toBe('still served');

    for (const other of others) other.destroy();
    const late = await until('a place', () => WsClient.connect(hub.wsUrl).catch(() => undefined));
    expect(await late.ask('in')).toBe('in');
    expect(await client.ask('still served')).toBe('still served');
    expect(await hub.stats()).toMatchObject({ listenPauses: 1 });
    await hub.close();
    const log = (await hub.exited).stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(log).toMatchObject([
      {
        level: 40,
        msg: expect.stringMatching(/^maxConnections is 1000, but .*ulimit -n 256\) .* \d+ connections$/),
      },
      { level: 50, limit: LIMIT, msg: expect.stringMatching(/^file descriptors run out/) },
      { level: 40, limit: LIMIT, msg: expect.stringMatching(/^file descriptors are free again/) },
    ]);
  },
);
