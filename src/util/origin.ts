/** Origins as browsers write them (RFC 6454 §6.2): the form in which entries of the option `origins` are compared. */

/** Pages are never of these; a WebSocket's URL is a common mistake for its page's. */
const NO_PAGE = /^(wss?|ftp|file):/i;

/**
 * An entry as a browser would write it: without a default port or a slash at the end, names in lower case and ASCII,
 * addresses in their short form. `*.` at its beginning stays. Undefined for what no page can have for an origin.
 */
export function normalizeOrigin(entry: string): string | undefined {
  const [, scheme, wildcard = '', host] =
    /^([a-z][a-z0-9+.-]*:\/\/)(\*\.)?([^/?#@*\\\s]+)\/?$/i.exec(entry) ?? [];
  if (scheme === undefined || NO_PAGE.test(scheme)) return undefined;
  // A label that stands for the wildcard: an address has none before it.
  const url = `${scheme}${wildcard === '' ? '' : 'x.'}${host}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, host: written } = new URL(url);
  return `${protocol}//${wildcard === '' ? written : written.replace('x.', wildcard)}`;
}
