/** The samples of docs/faq.md and docs/developing.md compile, under strict rules, against the types of the package. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HANDLER =
  "import { defineHandler } from 'shardhub/worker';\nexport default defineHandler({ message: () => 'HI' });";

test.each(['docs/faq.md', 'docs/developing.md'])('%s', (page) => {
  const samples = readFileSync(ROOT + page, 'utf8').match(/(?<=```ts\n)[\s\S]*?(?=```)/g) ?? [];
  expect(samples.length).toBeGreaterThan(0);
  const folder = `${ROOT}test/docs/`;
  const files = new Map(
    samples.map((text, i) => [`${folder}sample-${i}.mts`, text.replace("'./handler.js'", "'./handler.mjs'")]),
  );
  files.set(`${folder}handler.mts`, HANDLER);
  const path = `${ROOT}tsconfig.json`;
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path, ts.sys.readFile).config,
    ts.sys,
    ROOT,
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, target, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const complaints = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? '' : file.text.slice(0, start).split('\n').length;
    return `${file?.fileName.slice(folder.length)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(complaints).toEqual([]);
});
