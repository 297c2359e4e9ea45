/** `shardhub config`: says what a hub would be started with, and from where each value comes. */
import { type HubOptions, listOptions, resolveOptions } from '../../index.js';
import { columns } from '../admin/columns.js';
import type { Settings } from './settings.js';

interface Row {
  readonly name: string;
  readonly value: unknown;
  readonly source: string;
}

/** Every option with its value and its source. Secrets are not told. */
export function showConfig({ options, sources }: Settings, json: boolean): string {
  const resolved = resolveOptions(options as HubOptions) as Readonly<Record<string, unknown>>;
  const rows = listOptions().map(({ name }): Row => {
    const source = sources[name] ?? 'default';
    return { name, value: withoutSecret(name, resolved[name]), source };
  });
  if (json)
    return JSON.stringify(
      Object.fromEntries(rows.map(({ name, value, source }) => [name, { value, source }])),
      plain,
      2,
    );
  const lines = rows.map(({ value, ...row }) => ({ ...row, value: JSON.stringify(value, plain) ?? 'none' }));
  return columns(lines, { name: 'option', value: 'value', source: 'from' });
}

function withoutSecret(name: string, value: unknown): unknown {
  if (name.endsWith('Token') && value !== undefined) return '…';
  const hasSecret = typeof value === 'object' && value !== null && 'passphrase' in value;
  return hasSecret ? { ...value, passphrase: '…' } : value;
}

/** What JSON has no form for. */
function plain(_: string, value: unknown): unknown {
  return typeof value === 'function' || value instanceof RegExp ? String(value) : value;
}
