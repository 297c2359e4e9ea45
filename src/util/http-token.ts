/** The grammar of a token in HTTP, such as a header's name, a method or a subprotocol (RFC 9110 §5.6.2). */

/** One or more characters of a token, as the source of an expression. */
export const TOKEN_SOURCE = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** A text that is one token. */
export const TOKEN = new RegExp(`^${TOKEN_SOURCE}$`);
