/** Everything that the schema knows of each option, in words. */
import { listFlags } from '../../dist/cli/flags.js';
import { listOptions, resolveOptions } from '../../dist/options.js';
import { readOptionTypes } from './option-types.mjs';

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {string} description without its default, to be read by itself
 * @property {string} takes
 * @property {string} fallback the default: code, or words where it is none or depends on the machine
 * @property {{ usage: string, env: string }[]} flags
 * @property {string} type
 * @property {{ name: string, path: string }[]} imports what the type names, by module of src
 */

/** @returns {Promise<Option[]>} in the order of the schema */
export async function readOptions() {
  const types = readOptionTypes();
  const defaults = resolveOptions();
  const flags = listFlags();
  return listOptions().map(({ name, description, standalone, takes }) => {
    const [, text = description, inWords] = /^(.*) \(default: (.*)\)$/.exec(description) ?? [];
    const { type, imports } = types.get(name);
    return {
      name,
      description: standalone ?? text,
      takes,
      fallback: inWords ?? spell(defaults[name]),
      flags: flags.filter((flag) => flag.name === name),
      type,
      imports,
    };
  });
}

/** A default as one would write it. */
function spell(value) {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return `\`'${value}'\``;
  const json = JSON.stringify(value);
  return json === '[]' || json === '{}' ? 'none' : `\`${json}\``;
}
