/** What a handler knows of the handshake. Crosses to the worker as JSON. */
export interface HandshakeRequest {
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly path: string;
  /** The raw query string without `?`; empty when there is none. */
  readonly query: string;
  /** Names in lower case; a header that came twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The peer's IP address as text. */
  readonly remoteAddress: string;
  /** The subprotocols that the client offered, in its order of preference. */
  readonly subprotocols: readonly string[];
  /** The subprotocol that was chosen, if any. */
  readonly subprotocol?: string;
}
