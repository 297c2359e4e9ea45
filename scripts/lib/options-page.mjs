/** docs/options.md: every option in a table, by what it is about. */

/** The option that begins each section of the schema. A later section of the same title continues the first one. */
const SECTIONS = {
  host: 'Listener',
  handler: 'Handler and workers',
  origins: 'Handshake',
  compression: 'Messages and sockets',
  handlerTimeoutMs: 'Handler and workers',
  maxInFlight: 'Bounds',
  highWaterMark: 'Outbound queues',
  maxSubscriptions: 'Topics and heartbeats',
  drainTimeoutMs: 'Shutdown, pages and log',
};

const HEAD = `# Options

<!-- Generated from the options schema: run \`npm run docs:options\` after a change of it. -->

Every option of \`createHub\`, with its flag of \`shardhub serve\` and its environment variable. Flags win over the
environment; a variable that is empty counts as not set. \`undefined\` means the default. An unknown option, or a
value that an option does not take, is an \`ERR_OPTION\` that names it, the value it got and what it takes.

Options with neither a flag nor a variable are for hubs that are embedded. Durations are in ms unless the table says
otherwise; 1 KiB is 1024 bytes.
`;

const TABLE = '| option | default | takes | flag | environment | |\n|---|---|---|---|---|---|';

/** @param {import('./options.mjs').Option[]} options */
export function renderPage(options) {
  const sections = divide(options).map(
    ([title, members]) => `## ${title}\n\n${TABLE}\n${members.map(row).join('\n')}\n`,
  );
  return [HEAD, ...sections].join('\n');
}

/** @returns {[title: string, options: import('./options.mjs').Option[]][]} */
function divide(options) {
  const unknown = Object.keys(SECTIONS).filter((name) => !options.some((option) => option.name === name));
  if (unknown.length > 0)
    throw new Error(`a section of the options page begins with ${unknown}, which is no option`);
  /** @type {Map<string, import('./options.mjs').Option[]>} */
  const sections = new Map();
  let title = Object.values(SECTIONS)[0];
  for (const option of options) {
    title = SECTIONS[option.name] ?? title;
    if (!sections.has(title)) sections.set(title, []);
    sections.get(title).push(option);
  }
  return [...sections];
}

function row({ name, description, takes, fallback, flags }) {
  const spell = (part) => flags.map((flag) => `\`${flag[part]}\``).join('<br>') || '–';
  const cells = [`\`${name}\``, fallback, takes, spell('usage'), spell('env'), description];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** A bar would end the cell, even inside code; angle brackets outside of code are HTML. */
function cell(text) {
  const safe = text.replaceAll('|', '\\|').split(/(`[^`]*`|<br>)/);
  return safe
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;').replaceAll('*', '\\*') : part))
    .join('');
}
