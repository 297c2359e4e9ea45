/** The forms in which a handler's module may come, and what is said of those that are none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { features } from 'node:process';
import { createHub } from 'shardhub';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { startHub } from '../support/servers/hubs.js';

const OBJECT = '{ message: (connection, message) => message.text() }';
const MARK = "Object.defineProperty(exports, '__esModule', { value: true });";

const FORMS: Record<string, string> = {
  'module.mjs': `export default ${OBJECT};`,
  'instance.mjs': 'export default new (class { message(connection, message) { return message.text(); } })();',
  'exports.cjs': `module.exports = ${OBJECT};`,
  'named.cjs': 'exports.message = (connection, message) => message.text();',
  'tsc.cjs': `${MARK} exports.default = ${OBJECT};`,
  'tsc-with-names.cjs': `${MARK} exports.message = 'a name of its own'; exports.default = ${OBJECT};`,
  'tsc-names.cjs': `${MARK} exports.message = (connection, message) => message.text();`,
  'no-mark.cjs': `module.exports = { default: ${OBJECT} };`,
  'esbuild.cjs': `const all = {}; Object.defineProperty(all, 'default', { get: () => handler, enumerable: true });
    module.exports = Object.defineProperty(all, '__esModule', { value: true }); const handler = ${OBJECT};`,
  'again.mjs': "import compiled from './tsc.cjs'; export default compiled;",
  'twice.cjs': `${MARK} exports.default = require('./tsc.cjs');`,
  'commonjs/in-package.js': `${MARK} exports.default = ${OBJECT};`,
  'commonjs/package.json': '{ "type": "commonjs" }',
};

function write(files: Record<string, string>): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'commonjs'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('what compilers and bundlers emit is loaded', async () => {
  const folder = write(FORMS);
  const names = Object.keys(FORMS).filter((name) => !name.endsWith('.json'));
  const routes = Object.fromEntries(names.map((name) => [`/${name}`, { handler: join(folder, name) }]));
  const { hub } = await startHub({ workers: 1, routes });
  for (const name of names) {
    const client = await WsClient.connect(`ws://127.0.0.1:${hub.port}/${name}`);
    expect(await client.ask(name)).toBe(name);
    client.destroy();
  }
});

test.each<[name: string, source: string, message: RegExp]>([
  ['none.mjs', 'export const a = 1;', /has no default export$/],
  ['named.mjs', 'export const message = () => {};', /exports message: write export default \{ message \}$/],
  ['function.mjs', `export default () => (${OBJECT});`, /a function: export what it returns/],
  ['class.mjs', 'export default class Chat { message() {} }', /a class: export an instance of it/],
  ['promise.mjs', `export default Promise.resolve(${OBJECT});`, /a promise: await it/],
  ['text.mjs', "export default 'echo';", /default export is "echo" but takes an object/],
  ['typo.cjs', `${MARK} exports.default = { onMessage() {} };`, /none of the hooks .* but onMessage$/],
  ['empty.cjs', '', /none of the hooks .* but nothing$/],
  ['hook.cjs', 'exports.open = 5;', /hook open is not a function/],
  ['endless.cjs', 'exports.default = exports;', /none of the hooks/],
  ['commonjs/esm.js', `export default ${OBJECT};`, /file is CommonJS: .*\.mjs/],
  ['import.cjs', "import 'node:fs';", /file is CommonJS: .*\.mjs/],
])('%s is refused with what is right', async (name, source, message) => {
  const folder = write({ [name]: source, 'commonjs/package.json': '{ "type": "commonjs" }' });
  const handler = join(folder, name);
  const error = expect.objectContaining({
    code: 'ERR_HANDLER_LOAD',
    message: expect.stringMatching(message),
  });
  const start = createHub({ port: 0, workers: 1, handler });
  await expect(start).rejects.toEqual(error);
  await expect(start).rejects.toThrow(handler);
});

test('TypeScript is run by a Node.js that strips types, and else refused with what helps', async () => {
  const folder = write({
    'typed.ts': `const reply: string = 'typed'; export default { message: () => reply };`,
  });
  const handler = join(folder, 'typed.ts');
  if ('typescript' in features && features.typescript) {
    const { hub } = await startHub({ workers: 1, handler });
    expect(await (await WsClient.connect(hub.wsUrl)).ask('')).toBe('typed');
  } else
    await expect(createHub({ port: 0, workers: 1, handler })).rejects.toThrow(
      /does not load TypeScript.*--import tsx/,
    );
});
