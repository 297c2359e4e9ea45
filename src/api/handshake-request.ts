/** What is known of a handshake: to hooks on the I/O thread, and to handlers in the worker. */

/** What is known of a handshake. */
export interface HandshakeRequest {
  /** Path and query as the client sent them. */
  readonly url: string;
  /** The path alone. */
  readonly path: string;
  /** The raw query string without `?`; empty when there is none. */
  readonly query: string;
  /** Names in lower case; a header that came twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The peer's IP address as text; behind a trusted proxy, its client's. Empty on a Unix socket. */
  readonly remoteAddress: string;
  /** The subprotocols that the client offered, in its order of preference. */
  readonly subprotocols: readonly string[];
  /** The subprotocol that was chosen, if any. Not yet known to an `upgrade` hook. */
  readonly subprotocol?: string;
}
