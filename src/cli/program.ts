/** The commands and their usage, on commander. */
import { Command, CommanderError, type Help, Option } from '#vendor/commander';
import { HubError, listOptions, optionsJsonSchema, resolveOptions, VERSION } from '../index.js';
import { type AdminTarget, admin } from './admin/admin.js';
import { VERBS, type Verb } from './admin/verbs.js';
import { BENCH_USAGE } from './bench/flags.js';
import { CLIENT_USAGE } from './client/flags.js';
import { doctor } from './doctor/doctor.js';
import { type Flag, listFlags } from './flags/flags.js';
import {
  complain,
  readToolFlags,
  type ToolFlags,
  type ToolOptions,
  type ToolUsage,
} from './flags/tool-flags.js';
import { readConfigFile } from './serve/config-file.js';
import { serve } from './serve/serve.js';
import {
  CONFIG_VARIABLE,
  type Environment,
  readSettings,
  type Settings,
  unknownVariables,
} from './serve/settings.js';
import { showConfig } from './serve/show-config.js';
import { oneLine, print, warn } from './terminal/output.js';

export const WRONG_USAGE = 2;

type Serve = typeof serve;

/** Runs one command line. Resolves with the exit code; `serve` goes on serving after that. */
export async function run(
  argv: readonly string[],
  env: Environment,
  onServe: Serve = serve,
): Promise<number> {
  let exitCode = 0;
  const onExit = (code: number) => {
    exitCode = code;
  };
  const program = createProgram(env, onServe, onExit);
  // What runs a tool is loaded when it is wanted: `serve` has no use for it.
  addTool(program, CLIENT_USAGE, onExit, async () => (await import('./client/client.js')).client);
  addAdmin(program, env, onExit);
  addTool(program, BENCH_USAGE, onExit, async () => (await import('./bench/bench.js')).bench);
  program
    .command('init')
    .description('write a small project: a handler in TypeScript, its test, and scripts that run them')
    .argument('<folder>', 'a folder that is empty, or not there')
    .action(async (folder: string) => (await import('./init/init.js')).init(folder));
  try {
    if (argv.length <= 2) program.error('a command is missing: try shardhub serve, or shardhub --help');
    await program.parseAsync(withoutHelpOnUnknown(program, argv));
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    throw error;
  }
}

/** Help on a command that there is not is a complaint about that command, not the help of all. */
function withoutHelpOnUnknown({ commands }: Command, argv: readonly string[]): readonly string[] {
  const [node, script, name, topic = '-'] = argv as [string, string, ...string[]];
  const isKnown = /^(-|help$)/.test(topic) || commands.some((command) => command.name() === topic);
  return name === 'help' && !isKnown ? [node, script, topic] : argv;
}

function createProgram(env: Environment, onServe: Serve, onExit: (code: number) => void): Command {
  const program = new Command('shardhub')
    .description('A WebSocket hub that processes every message in a worker thread.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text) => warn(explainUnknown(text.replace(/^error: /, ''))) })
    .addHelpText('after', '\nThe options of a command: shardhub help <command>');
  const flags = listFlags();
  const command = program
    .command('serve')
    .description('serve WebSocket connections until SIGTERM or SIGINT')
    .configureHelp({ formatItem })
    .addHelpText(
      'after',
      '\nA flag wins over its environment variable. An empty variable counts as not set.',
    );
  addServeFlags(command, flags);
  command.action((given: Record<string, unknown>) => startServing(command, flags, given, env, onServe));
  addConfig(program, flags, env);
  addDoctor(program, flags, env, onExit);
  return program;
}

function addServeFlags(command: Command, flags: Flag[]): void {
  for (const flag of flags) addFlag(command, flag);
  command.option(
    '--config <path>',
    `file with options, by their names in createHub: .json, or a module with a default export; flags and variables win over it\ntakes a path\ndefault: none, env: ${CONFIG_VARIABLE}`,
  );
}

function addConfig(program: Command, flags: Flag[], env: Environment): void {
  const group = program.command('config').description('check or show what serve would be started with');
  const add = (name: string, description: string) =>
    group.command(name).description(description).configureHelp({ formatItem });
  const check = add('check', 'exit with 0 when flags, variables and the file are right, else with 2');
  addServeFlags(check, flags);
  check.action(async (given: Record<string, unknown>) => {
    await settle(check, flags, given, env);
    await print('the configuration is right\n');
  });
  const show = add(
    'print',
    'print each option with its value and where that comes from; secrets are not told',
  );
  addServeFlags(show, flags);
  show.option('--json', 'print JSON');
  show.action(async ({ json, ...given }: Record<string, unknown>) => {
    await print(`${showConfig(await settle(show, flags, given, env), json === true)}\n`);
  });
  add('schema', 'print the JSON schema of the file, so that editors complete it').action(async () =>
    print(`${JSON.stringify(optionsJsonSchema(), undefined, 2)}\n`),
  );
}

function addDoctor(program: Command, flags: Flag[], env: Environment, onExit: (code: number) => void): void {
  const command = program
    .command('doctor')
    .description('look at this machine as a hub of these options would find it, and say what to do')
    .configureHelp({ formatItem })
    .addHelpText('after', '\nExit code: 0 all is well, 1 something should be looked at, 2 wrong usage.');
  addServeFlags(command, flags);
  command.action(async (given: Record<string, unknown>) => {
    const { options } = await settle(command, flags, given, env);
    onExit(await doctor(options));
  });
}

/** What flags, variables and the file come to; wrong usage when one of them is not right. */
async function settle(
  command: Command,
  flags: Flag[],
  given: Record<string, unknown>,
  env: Environment,
): Promise<Settings> {
  for (const name of unknownVariables(flags, env)) warn(`warning: ${name} is not an option and is ignored`);
  return orWrongUsage(command, readAll(flags, given, env));
}

/** @throws HubError `ERR_OPTION` that says all that is wrong */
async function readAll(
  flags: Flag[],
  { config, ...given }: Record<string, unknown>,
  env: Environment,
): Promise<Settings> {
  const path = (config as string | undefined) ?? (env[CONFIG_VARIABLE] || undefined);
  const file = path === undefined ? undefined : await readConfigFile(path);
  const settings = readSettings(flags, given, env, file);
  if (settings.problems.length > 0) throw new HubError('ERR_OPTION', settings.problems.join('; '));
  resolveOptions(settings.options);
  return settings;
}

/** Why an option is not known, where that can be told. */
function explainUnknown(text: string): string {
  const [, typed = ''] = /^unknown option '(--[a-z-]+)/.exec(text) ?? [];
  const flag = listFlags().find(({ usage, counterpart }) => usage === typed || counterpart === typed);
  if (flag !== undefined)
    return `${typed} takes no value; its opposite is ${typed === flag.usage ? flag.counterpart : flag.usage}`;
  const name = typed.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const exists = listOptions().some((option) => option.name === name && option.cli === undefined);
  return exists ? `${typed} is no flag: ${name} is an option of createHub alone` : text;
}

/** A term and, below it, its description: the terms are too long for a column of their own. */
function formatItem(term: string, _termWidth: number, description: string, helper: Help): string {
  const indent = ' '.repeat(6);
  const wrapped = helper.boxWrap(description, (helper.helpWidth ?? 80) - indent.length);
  return `  ${term}\n${wrapped.replaceAll(/^/gm, indent)}`;
}

function addFlag(command: Command, flag: Flag): void {
  const options = [new Option(flag.usage, flag.help)];
  if (flag.counterpart !== undefined) options.push(new Option(flag.counterpart).hideHelp());
  // The positive form of a switch comes first: a lone `--no-x` would give `x` a default of its own.
  for (const option of options.sort((a, b) => Number(a.negate) - Number(b.negate))) command.addOption(option);
}

async function startServing(
  command: Command,
  flags: Flag[],
  given: Record<string, unknown>,
  env: Environment,
  onServe: Serve,
): Promise<void> {
  const { options } = await settle(command, flags, given, env);
  const reread = async () => (await readAll(flags, given, env)).options;
  await orWrongUsage(command, onServe(options, reread));
}

/** Options that are valid one by one can still contradict each other. */
async function orWrongUsage<T>(command: Command, running: Promise<T>): Promise<T> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof HubError && error.code === 'ERR_OPTION') command.error(oneLine(error.message));
    throw error;
  }
}

const ADMIN_ADDRESS = '127.0.0.1:9090';

function addAdmin(program: Command, env: Environment, onExit: (code: number) => void): void {
  const group = program
    .command('admin')
    .description('ask a running hub at its admin listener (--admin-listen), or change something there');
  for (const verb of VERBS) {
    const command = group.command(verb.usage).description(verb.description).configureHelp({ formatItem });
    for (const [usage, description] of Object.values(verb.flags)) command.option(usage, description);
    command
      .option(
        '--admin <host:port|path>',
        `where the hub listens; default: SHARDHUB_ADMIN_LISTEN, or ${ADMIN_ADDRESS}`,
      )
      .option('--token <token>', 'adminToken, or statsToken to read; default: SHARDHUB_ADMIN_TOKEN')
      .option('--json', 'print the answer as it came');
    command.action(async () => onExit(await callAdmin(command, verb, env)));
  }
}

function callAdmin(command: Command, verb: Verb, env: Environment): Promise<number> {
  const { admin: at, token, json, ...flags } = command.opts<Record<string, string>>();
  const target: AdminTarget = {
    address: at ?? (env.SHARDHUB_ADMIN_LISTEN || ADMIN_ADDRESS),
    token: token ?? (env.SHARDHUB_ADMIN_TOKEN || undefined),
    json: Boolean(json),
  };
  return admin(verb, verb.call(command.args, flags), target);
}

function addTool<F extends ToolFlags>(
  program: Command,
  { name, description, exitCodes, address, flags, findContradictions }: ToolUsage<F>,
  onExit: (code: number) => void,
  load: () => Promise<(url: URL, options: ToolOptions<F>) => Promise<number>>,
): void {
  const command = program
    .command(name)
    .description(description)
    .argument('<url>', address.takes)
    .configureHelp({ formatItem })
    .addHelpText('after', `\nExit code: ${exitCodes}, 2 wrong usage.`);
  addToolFlags(command, flags);
  command.action(async (text: string, given: Record<string, unknown>) => {
    const url = address.parse(text);
    const { options, problems } = readToolFlags(flags, given);
    if (url === undefined) problems.unshift(complain('<url>', text, address.takes));
    if (problems.length === 0) problems.push(...findContradictions(options));
    if (url === undefined || problems.length > 0) return command.error(problems.join('; '));
    const runTool = await load();
    onExit(await orWrongUsage(command, runTool(url, options)));
  });
}

function addToolFlags(command: Command, flags: ToolFlags): void {
  for (const { usage, description, kind, isRepeatable, fallbackText } of Object.values(flags)) {
    const takes = kind === undefined ? '' : `\ntakes ${kind.takes}`;
    const option = new Option(usage, `${description}${takes}\ndefault: ${fallbackText}`);
    if (isRepeatable) option.argParser((text: string, before: string[] = []) => [...before, text]);
    command.addOption(option);
  }
}
