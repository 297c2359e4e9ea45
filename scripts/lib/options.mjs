/** Everything that the schema knows of each option, in words. */
import { listFlags } from '../../dist/cli/flags/flags.js';
import { hubOptionsSchema, listOptions, resolveOptions } from '../../dist/options/options.js';
import { readOptionTypes } from './option-types.mjs';

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {string} description to be read by itself
 * @property {string} takes
 * @property {string} fallback the default: code, or words where it is none or depends on the machine
 * @property {{ usage: string, env: string }[]} flags
 * @property {string} type
 * @property {{ name: string, path: string }[]} imports what the type names, by module of src
 */

/** @returns {Promise<Option[]>} in the order of the schema */
export async function readOptions() {
  const types = readOptionTypes(describeField);
  const defaults = resolveOptions();
  const flags = listFlags();
  return listOptions().map(({ name, description, standalone, takes, fallbackText }) => {
    const { type, imports } = types.get(name);
    return {
      name,
      description: standalone ?? description,
      takes,
      fallback: fallbackText ?? spell(defaults[name]),
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

/** What a field of an object is for: as the schema says, or else as the description of the whole does. */
function describeField(option, field) {
  const schema = hubOptionsSchema.shape[option];
  const text = schema.meta().cli?.fields?.[field] ?? findField(schema, field)?.meta()?.description;
  return text === undefined
    ? `See {@link HubOptions.${option}}.`
    : `${text[0].toUpperCase()}${text.slice(1).replaceAll('*/', '*\\/')}.`;
}

/** The schema of a field, in whatever an object is wrapped. */
function findField(schema, field) {
  if (schema === undefined) return undefined;
  if (schema.shape?.[field] !== undefined) return schema.shape[field];
  const { innerType, valueType, element, options = [] } = schema.def;
  for (const inner of [innerType, valueType, element, ...options, ...Object.values(schema.shape ?? {})]) {
    const found = findField(inner, field);
    if (found !== undefined) return found;
  }
  return undefined;
}
