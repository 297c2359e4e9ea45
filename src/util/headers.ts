/** Headers of a response. */

/** Names and values, in the order in which they are sent; a name may come several times. */
export type HeaderList = readonly (readonly [string, string])[];

export const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Headers of a text for a person, unless they tell another type. */
export function textHeaders(headers: HeaderList): HeaderList {
  if (headers.some(([name]) => name.toLowerCase() === 'content-type')) return headers;
  return [...headers, ['Content-Type', TEXT_TYPE]];
}
