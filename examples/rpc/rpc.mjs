// @ts-check
/** JSON-RPC 2.0 (https://www.jsonrpc.org/specification): a text in, a text out, or nothing. */
import { z } from 'zod';

/** @typedef {{ params: z.ZodType, run: (params: unknown) => unknown }} Method */
/** @typedef {ReadonlyMap<string, Method>} Methods */

const MAX_BATCH = 100;

const idSchema = z.union([z.string(), z.number(), z.null()]);
const requestSchema = z.object({
  jsonrpc: z.literal('2.0'),
  method: z.string(),
  params: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  id: idSchema.optional(),
});

/**
 * @param {string} text
 * @param {Methods} methods
 * @returns {Promise<string | undefined>} undefined when nothing is to be answered: there were notifications only
 */
export async function answer(text, methods) {
  let input;
  try {
    input = JSON.parse(text);
  } catch {
    return JSON.stringify(failure(null, -32700, 'Parse error'));
  }
  if (!Array.isArray(input)) return toText(await answerOne(input, methods));
  if (input.length === 0 || input.length > MAX_BATCH)
    return JSON.stringify(failure(null, -32600, `Invalid Request: a batch has 1 to ${MAX_BATCH} calls`));
  const responses = await Promise.all(input.map((call) => answerOne(call, methods)));
  const wanted = responses.filter((response) => response !== undefined);
  return wanted.length === 0 ? undefined : JSON.stringify(wanted);
}

/** @type {(response: object | undefined) => string | undefined} */
const toText = (response) => (response === undefined ? undefined : JSON.stringify(response));

/**
 * @param {unknown} input
 * @param {Methods} methods
 */
async function answerOne(input, methods) {
  const request = requestSchema.safeParse(input);
  if (!request.success) return failure(findId(input), -32600, 'Invalid Request', request.error);
  const { id, method: name, params } = request.data;
  const response = await call(methods.get(name), params, id ?? null);
  // A call without an id is a notification: whatever comes of it, nobody wants to know.
  return id === undefined ? undefined : response;
}

/**
 * @param {Method | undefined} method
 * @param {unknown} params
 * @param {string | number | null} id
 */
async function call(method, params, id) {
  if (method === undefined) return failure(id, -32601, 'Method not found');
  const checked = method.params.safeParse(params ?? {});
  if (!checked.success) return failure(id, -32602, 'Invalid params', checked.error);
  try {
    return { jsonrpc: '2.0', result: (await method.run(checked.data)) ?? null, id };
  } catch (error) {
    // What went wrong is for the log of the server.
    console.error(error);
    return failure(id, -32603, 'Internal error');
  }
}

/**
 * @param {string | number | null} id
 * @param {number} code
 * @param {string} message
 * @param {z.ZodError} [error] what the schema found
 */
function failure(id, code, message, error) {
  const data = error?.issues.map(({ path, message: text }) => ({ path, message: text }));
  return { jsonrpc: '2.0', error: { code, message, ...(data && { data }) }, id };
}

/** @type {(input: unknown) => string | number | null} */
function findId(input) {
  const found = z.object({ id: idSchema }).safeParse(input);
  return found.success ? found.data.id : null;
}
