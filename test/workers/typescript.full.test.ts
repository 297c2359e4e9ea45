/** Handlers in TypeScript: by this Node.js itself where it can, else with what the error says. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { Command } from '../support/processes/command-line.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const TSX = fileURLToPath(new URL('../../node_modules/tsx', import.meta.url));
const { typescript = false } = process.features as { typescript?: string | false };
const canLoad = typescript !== false;

/** With types to strip, a type error that nobody minds, and an error on a line that is known. */
function write(): string {
  const folder = temporaryFolder();
  const path = join(folder, 'handler.ts');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(TSX, join(folder, 'node_modules/tsx'), 'dir');
  writeFileSync(
    path,
    `interface Session { seen: number }
type Connection = { state: Session };

export default {
  open(connection: Connection): void { connection.state = { seen: 0 }; },
  message(connection: Connection, message: { text(): string }): string {
    if (message.text() === 'fail') throw new Error('on line 7');
    return \`\${message.text()} \${++connection.state.seen as number}\`;
  },
};
`,
  );
  return folder;
}

/** Started in the folder of the handler, with tsx beside it. */
function serve(env: Record<string, string> = {}, ...flags: string[]): Command {
  const args = ['serve', '--port=0', '--workers=1', '--handler=handler.ts', ...flags];
  return new Command(args, { cwd: write(), env });
}

async function expectToServe(command: Command): Promise<void> {
  const client = await WsClient.connect((await command.started()).wsUrl);
  expect(await client.ask('seen')).toBe('seen 1');
  client.send('fail');
  await client.closed;
  command.kill('SIGTERM');
  expect((await command.exited).stderr).toMatch(/handler\.ts:7:/);
}

test.runIf(canLoad)('this Node.js loads it by itself', async () => {
  await expectToServe(serve());
});

test.runIf(!canLoad)('this Node.js does not load it, and the error says what does', async () => {
  const { code, stderr } = await serve().exited;
  expect(code).toBe(1);
  expect(stderr).toMatch(/handler\.ts.*does not load TypeScript.*NODE_OPTIONS='--import tsx'/);
});

test.each<[how: string, start: () => Command]>([
  ['NODE_OPTIONS', () => serve({ NODE_OPTIONS: '--import tsx' })],
  ['workerExecArgv', () => serve({}, '--worker-exec-argv', '--import,tsx')],
  ['NODE_OPTIONS, on the main thread', () => serve({ NODE_OPTIONS: '--import tsx' }, '--workers=0')],
])('tsx loads it, by %s', async (_, start) => {
  await expectToServe(start());
});
