/** The interface `HubOptions`, with everything that is known of an option where an editor shows it. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const HEAD = `/**
 * What \`createHub\` takes. Generated from the options schema: run \`npm run docs:options\` after a change of it.
 */
`;
const WIDTH = 106;

/** @param {import('./options.mjs').Option[]} options */
export function renderInterface(options) {
  const names = options.map(({ name }) => name);
  const members = options.map(
    (option) => `${comment(option, names)}\n  readonly ${option.name}?: ${option.type};`,
  );
  return format(
    `${HEAD}${importsOf(options).join('\n')}

/** What \`createHub\` takes: every option may be left out, and \`undefined\` means its default. */
export interface HubOptions<Data = unknown> {
${members.join('\n')}
}
`,
  );
}

function importsOf(options) {
  /** @type {Map<string, Set<string>>} */
  const byPath = new Map();
  for (const { name, path } of options.flatMap(({ imports }) => imports)) {
    if (!byPath.has(path)) byPath.set(path, new Set());
    byPath.get(path).add(name);
  }
  return [...byPath]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([path, names]) =>
        `import type { ${[...names].sort().join(', ')} } from '${relativeToApi(path.replace(/\.ts$/, '.js'))}';`,
    );
}

/** @param {string} path in src */
const relativeToApi = (path) => (path.startsWith('api/') ? `./${path.slice(4)}` : `../${path}`);

function comment({ name, description, takes, fallback, flags }, names) {
  const link = (text) => linkNames(text, name, names);
  const spellings = flags.flatMap(({ usage, env }) => [`\`${usage}\``, `\`${env}\``]);
  const paragraphs = [
    link(sentence(description)),
    `Takes ${link(takes)}.`,
    ...(spellings.length === 0 ? [] : [`Also ${list(spellings)}.`]),
  ];
  const lines = paragraphs.flatMap((paragraph, index) =>
    index === 0 ? wrap(paragraph) : ['', ...wrap(paragraph)],
  );
  return [
    '  /**',
    ...[...lines, '', `@defaultValue ${fallback}`].map((line) => `   * ${line}`.trimEnd()),
    '   */',
  ].join('\n');
}

/** What begins with one of the option's values stays as it is. */
function sentence(text) {
  const isValue = /^[a-z-]+:/.test(text);
  return `${isValue ? text : text[0].toUpperCase() + text.slice(1)}.`;
}

/** Other options that a text names become links: by `see`, or because no word is spelled like that. */
function linkNames(text, own, names) {
  const linked = names
    .filter((name) => name !== own)
    .reduce((all, name) => {
      const pattern = /[A-Z]/.test(name) ? `\\b${name}\\b` : `(?<=\\bsee )${name}\\b`;
      return all.replaceAll(new RegExp(pattern, 'g'), `{@link HubOptions.${name}}`);
    }, text);
  return linked.replaceAll('*/', '*\\/').replaceAll(/(?<!\{)@/g, '\\@');
}

function list(items) {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** Lines of a width; what is code, or a link, stays on one of them. */
function wrap(text) {
  const lines = [''];
  for (const word of text.match(/(?:`[^`]*`|\{@[^}]*\}|\S)+/g) ?? []) {
    const line = lines.at(-1);
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

function format(text) {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const args = [biome, 'check', '--write', '--stdin-file-path=src/api/hub-options.ts'];
  return execFileSync(process.execPath, args, { cwd, input: text, encoding: 'utf8' });
}
