/** What `hub.reload()` and `hub.resize()` take, checked. */
import { z } from 'zod';
import { describe, HubError } from '../api/errors.js';
import type { ReloadOptions } from '../api/reload.js';
import { clonedSchema, handlerSchema } from './server.js';

const TAKES = {
  handler: 'the path or file: URL of a module, or the name of a built-in handler',
  handlerOptions: 'any value that structuredClone takes',
  canary: 'an integer from 0 to one less than there are workers',
  canaryMs: 'an integer from 1 to 86400000 (ms)',
  canaryLatency: 'a number from 1 to 1000, or 0',
} as const satisfies Record<keyof ReloadOptions, string>;

const schema = z.strictObject({
  handler: handlerSchema.optional(),
  handlerOptions: clonedSchema.optional(),
  canary: z.int().min(0).default(0),
  canaryMs: z.int().min(1).max(86_400_000).default(10_000),
  canaryLatency: z
    .number()
    .max(1000)
    .refine((ratio) => ratio === 0 || ratio >= 1)
    .default(3),
});

export type CheckedReload = z.output<typeof schema>;

/**
 * @param workers how many there are
 * @throws HubError `ERR_ARGUMENT` that names what was wrong and what is right
 */
export function checkReload(options: ReloadOptions, workers: number): CheckedReload {
  const parsed = schema.safeParse(options);
  if (parsed.success) {
    const { canary } = parsed.data;
    if (canary === 0 || canary < workers) return parsed.data;
    throw new HubError('ERR_ARGUMENT', `reload got canary: ${canary} but takes ${TAKES.canary} (${workers})`);
  }
  const sentences = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys')
      return `got the unknown option ${issue.keys.map(describe).join(', ')}`;
    const name = issue.path[0] as keyof ReloadOptions | undefined;
    if (name === undefined) return `got ${describe(options)} but takes an object`;
    const value = name === 'handlerOptions' ? '…' : describe(options[name]);
    return `got ${name}: ${value} but takes ${TAKES[name]}`;
  });
  throw new HubError('ERR_ARGUMENT', `reload ${[...new Set(sentences)].join('; ')}`);
}

const MAX_WORKERS = 256;

/** @throws HubError `ERR_ARGUMENT` */
export function checkWorkers(workers: number): void {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return;
  const text = `resize got ${describe(workers)} but takes an integer from 1 to ${MAX_WORKERS} (threads)`;
  throw new HubError('ERR_ARGUMENT', text);
}
