/** How the application answers HTTP requests: what `hub.http` takes. */

import type { ClientCertificate } from './handshake-request.js';

/** What is known of a request beside itself. */
export interface HttpInfo {
  /** The client's IP address; behind a trusted proxy, that of the proxy's client. */
  readonly remoteAddress: string;
  /** The client's certificate, if it was asked for one and has one that is valid. */
  readonly clientCertificate?: ClientCertificate;
}

/** Answers HTTP requests; `undefined` is a 404. */
export type HttpHandler = (
  request: Request,
  info: HttpInfo,
) => Response | undefined | Promise<Response | undefined>;
