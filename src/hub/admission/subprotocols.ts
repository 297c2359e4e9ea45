/** Chooses a subprotocol (RFC 6455 §4.2.2). Pure. */
import { TOKEN } from '../../util/http-token.js';

/** The client's offer, in its order of preference, without what is no token: that cannot be chosen (RFC 6455 §4.1). */
export function parseSubprotocols(header: string): string[] {
  if (header === '') return [];
  return header
    .split(',')
    .map((name) => name.trim())
    .filter((name) => TOKEN.test(name));
}

/** The first of the server's that the client offers; none in common is no reason to refuse the connection. */
export function chooseSubprotocol(
  supported: readonly string[],
  offered: readonly string[],
): string | undefined {
  return supported.find((name) => offered.includes(name));
}
