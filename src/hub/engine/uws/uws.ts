/** The part of uWebSockets.js's interface that the hub uses, as types of our own. */

export interface UwsSocket {
  /** 1 sent, 0 accepted and buffered, 2 dropped. */
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number;
  ping(payload: Uint8Array): number;
  getBufferedAmount(): number;
  /** Sends a close frame and ends; the close callback runs inside the call. Never inside `cork`. */
  end(code: number, reason: string): void;
  /** Ends without a close frame; the close callback runs inside the call. */
  close(): void;
  cork(work: () => void): unknown;
}

export interface UwsRequest {
  getMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  /** Empty when there is none. */
  getHeader(lowerCaseName: string): string;
  forEach(visit: (name: string, value: string) => void): void;
}

export interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  writeHeader(name: string, value: string | Uint8Array): UwsResponse;
  /** Sends a chunk, which must not be empty; false when earlier ones have not left yet. See `PIECE_BYTES`. */
  write(chunk: string | Uint8Array): boolean;
  /** Sends the body, or the rest of it, as far as it leaves at once; when it does not, go on in `onWritable`. */
  tryEnd(rest: Uint8Array, totalBytes: number): readonly [hasLeft: boolean, isDone: boolean];
  /** How much of the body has left, in bytes. */
  getWriteOffset(): number;
  /** With a handler, the engine no longer sends what is buffered by itself: a cork does. */
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  end(body?: string | Uint8Array, closeConnection?: boolean): UwsResponse;
  endWithoutBody(contentLength?: number, closeConnection?: boolean): UwsResponse;
  /** Ends the connection at once; the abort handler runs. */
  close(): UwsResponse;
  cork(work: () => void): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  /** The chunk is the engine's again when the handler returns. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  getRemoteAddress(): ArrayBuffer;
  /** From the header of the PROXY protocol, version 2; empty without one. */
  getProxiedRemoteAddress(): ArrayBuffer;
  upgrade<UserData>(
    data: UserData,
    key: string,
    protocol: string,
    extensions: string,
    context: unknown,
  ): void;
}

export interface UwsBehavior<UserData> {
  maxPayloadLength: number;
  idleTimeout: number;
  sendPingsAutomatically: boolean;
  maxLifetime: number;
  maxBackpressure: number;
  closeOnBackpressureLimit: boolean;
  compression: number;
  upgrade(res: UwsResponse, req: UwsRequest, context: unknown): void;
  open(socket: UwsSocket & UserData): void;
  message(socket: UwsSocket & UserData, message: ArrayBuffer, isBinary: boolean): void;
  /** The engine answers with a pong by itself. */
  ping(socket: UwsSocket & UserData, payload: ArrayBuffer): void;
  pong(socket: UwsSocket & UserData, payload: ArrayBuffer): void;
  drain(socket: UwsSocket & UserData): void;
  close(socket: UwsSocket & UserData, code: number, message: ArrayBuffer): void;
}

/** Opaque: only ever handed back to the engine. */
export type UwsListenToken = { readonly _listenToken: never };

export interface UwsApp {
  ws<UserData>(pattern: string, behavior: UwsBehavior<UserData>): UwsApp;
  any(pattern: string, handler: (res: UwsResponse, req: UwsRequest) => void): UwsApp;
  listen(host: string, port: number, mode: number, callback: (token: UwsListenToken | false) => void): UwsApp;
  /** Replaces whatever is at the path. Calls back inside the call, like `listen`. */
  listen_unix(callback: (token: UwsListenToken | false) => void, path: string): UwsApp;
  close(): UwsApp;
}

export interface UwsTlsOptions {
  readonly key_file_name: string;
  readonly cert_file_name: string;
  readonly passphrase?: string;
  readonly ssl_ciphers: string;
}

export interface Uws {
  readonly DISABLED: number;
  readonly SHARED_COMPRESSOR: number;
  readonly SHARED_DECOMPRESSOR: number;
  readonly DEDICATED_COMPRESSOR_32KB: number;
  readonly DEDICATED_DECOMPRESSOR_32KB: number;
  App(): UwsApp;
  /** @throws when it does not take the files */
  SSLApp(options: UwsTlsOptions): UwsApp;
  us_socket_local_port(token: UwsListenToken): number;
  us_listen_socket_close(token: UwsListenToken): void;
}
