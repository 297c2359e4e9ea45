/** Finds the handler in what its module exports, as written or as compilers and bundlers write it. */
import { describe, HubError, toErrorRecord } from '../api/errors.js';
import type { Handler } from '../api/handler.js';

const HOOKS = ['open', 'message', 'close'] as const;
const OTHER_HOOKS = [
  'topicLost',
  'start',
  'stop',
  'suspend',
  'resume',
  'suspendWorker',
  'resumeWorker',
] as const;
const ALL_HOOKS = [...HOOKS, ...OTHER_HOOKS] as const;
/** A default export that was compiled to CommonJS, and imported again from there. */
const MAX_DEFAULTS = 3;

type Exports = Readonly<Record<string, unknown>>;

/**
 * @param name how the handler was given
 * @throws HubError `ERR_HANDLER_LOAD` that says what was found and what is right
 */
export function handlerIn(module: Exports, name: string): Handler {
  const candidate = defaultOf(module);
  const problem = candidate === undefined ? explainNoDefault(module) : explainBadHandler(candidate);
  if (problem === undefined) return candidate as Handler;
  throw new HubError('ERR_HANDLER_LOAD', `handler ${name} cannot be used: ${problem}`);
}

/**
 * Node.js gives `module.exports` for the default export of CommonJS: that has the handler as its own `default` when it
 * was an ES module once. Hooks beside one are named exports then; an object with hooks and no such mark is a handler.
 */
function defaultOf(module: Exports): unknown {
  let value = module.default;
  for (let i = 0; i < MAX_DEFAULTS && isObject(value) && value.default !== undefined; i++) {
    if (value.__esModule !== true && hooksOf(value).length > 0) break;
    value = value.default;
  }
  return value;
}

function explainNoDefault(module: Exports): string {
  const hooks = hooksOf(module);
  if (hooks.length === 0) return 'it has no default export';
  const names = hooks.join(', ');
  return `it has no default export, but exports ${names}: write export default { ${names} }`;
}

/** Why a default export is not a handler, or undefined when it is one. */
function explainBadHandler(candidate: unknown): string | undefined {
  const takes = 'an object with the hooks open, message or close';
  if (typeof candidate === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(candidate));
    const what = isClass ? 'a class: export an instance of it' : 'a function: export what it returns';
    return `its default export is ${what}, or ${takes}`;
  }
  if (candidate instanceof Promise) return `its default export is a promise: await it, and export ${takes}`;
  if (!isObject(candidate)) return `its default export is ${describe(candidate)} but takes ${takes}`;
  if (hooksOf(candidate).length === 0) {
    const keys = Object.keys(candidate).slice(0, 10).join(', ');
    return `its default export has none of the hooks open, message and close, but ${keys || 'nothing'}`;
  }
  const bad = ALL_HOOKS.find(
    (hook) => candidate[hook] !== undefined && typeof candidate[hook] !== 'function',
  );
  if (bad !== undefined) return `its hook ${bad} is not a function`;
  const { payload } = candidate;
  if (payload !== undefined && payload !== 'owned' && payload !== 'borrowed') {
    return 'its payload is neither "owned" nor "borrowed"';
  }
  return undefined;
}

function hooksOf(value: Exports): string[] {
  return HOOKS.filter((hook) => value[hook] !== undefined);
}

function isObject(value: unknown): value is Exports {
  return typeof value === 'object' && value !== null;
}

/** For a Node.js that loads no TypeScript. */
const TYPESCRIPT =
  "this Node.js does not load TypeScript, as 22.18 and newer do: compile it, or npm install --save-dev tsx and start with NODE_OPTIONS='--import tsx', or with workerExecArgv: ['--import', 'tsx']";

/** Why a module could not be loaded, and what helps where Node.js does not say it. */
export function explainLoadFailure(thrown: unknown): string {
  const { code, message } = toErrorRecord(thrown);
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /"\.[cm]?tsx?"/.test(message))
    return `${message} (${TYPESCRIPT})`;
  if (thrown instanceof SyntaxError && /'export'|import statement/.test(message))
    return `${message} (the file is CommonJS: write module.exports = …, name it .mjs, or set "type": "module")`;
  return message;
}
