/** Where a handler is that was given as text. */
import { resolve } from 'node:path';
import { BUILT_IN_HANDLERS } from '../../index.js';

/** The name of a built-in handler, with its argument, a file: URL, or else a path, from a folder: the current one by default. */
export function locateHandler(text: string, folder = ''): string | URL {
  const [name] = text.split(':', 1);
  if ((BUILT_IN_HANDLERS as readonly (string | undefined)[]).includes(name)) return text;
  return text.startsWith('file:') && URL.canParse(text) ? new URL(text) : resolve(folder, text);
}
