/** What is known of a handshake: to hooks on the I/O thread, and to handlers in the worker. */

/**
 * What a client's certificate says (TLS options `clientCa` and `clientCert`). It has been verified: it is signed by one of
 * the authorities, and valid now.
 */
export interface ClientCertificate {
  /** Whose it is, one part of the name on each line, such as `O=Example\nCN=alice`. */
  readonly subject: string;
  /** Its other names, as OpenSSL writes them, such as `DNS:a.example, URI:spiffe://b`; empty when it has none. */
  readonly subjectAltName: string;
  /** The authority that signed it, in the form of `subject`. */
  readonly issuer: string;
  /** In hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256 of all of it, in hexadecimal with colons. */
  readonly fingerprint256: string;
}

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
  /** The client's certificate, if it was asked for one and has one that is valid. */
  readonly clientCertificate?: ClientCertificate;
  /** The subprotocols that the client offered, in its order of preference. */
  readonly subprotocols: readonly string[];
  /** The subprotocol that was chosen, if any. Not yet known to an `upgrade` hook. */
  readonly subprotocol?: string;
}
