/** What an application says about a handshake: the types of the options `upgrade` and `origins`. */
import type { HandshakeRequest } from './handshake-request.js';

/** Response headers; a list stands for a header that is sent several times, such as `Set-Cookie`. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Lets the connection in. Everything may be left out. */
export interface UpgradeAcceptance<Data = unknown> {
  /**
   * What the application knows of the connection, such as who it is: `connection.data` on both threads. It is copied
   * to the worker (structured clone); at most 64 KiB when encoded.
   */
  readonly data?: Data;
  /** One of those that the client offered. Default: the first of the option `subprotocols` that it offered, if any. */
  readonly subprotocol?: string;
  /** Added to the 101 response. Headers of the handshake itself cannot be set. */
  readonly headers?: ResponseHeaders;
}

/** Refuses the connection. */
export interface UpgradeRejection {
  /** HTTP status code, 400 to 599. */
  readonly reject: number;
  /** Text of the response. Default: "This connection was refused." */
  readonly body?: string;
  /** Added to the response, such as `WWW-Authenticate` for a 401 (RFC 9110 §11.6.1). */
  readonly headers?: ResponseHeaders;
  /** What went wrong, for the log and the event `error`: the client is told nothing of it. */
  readonly cause?: unknown;
}

/** What an `upgrade` hook returns; nothing at all accepts. */
export type UpgradeResult<Data = unknown> = UpgradeAcceptance<Data> | UpgradeRejection | undefined;

/**
 * Decides on a handshake that the hub itself would let in. Runs on the I/O thread: never block in it. A promise
 * is waited for, at most `upgradeTimeoutMs`.
 */
export type UpgradeHook<Data = unknown> = (
  request: HandshakeRequest,
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return statement has the type void
) => UpgradeResult<Data> | void | Promise<UpgradeResult<Data> | void>;

/** True when a browser's page of this origin may connect. */
export type OriginCheck = (origin: string, request: HandshakeRequest) => boolean;
