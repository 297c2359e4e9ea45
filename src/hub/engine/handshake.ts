/** A handshake over the engine's request and response. */

import type { HandshakeRequest } from '../../api/handshake-request.js';
import { textHeaders } from '../../util/headers.js';
import type { Refusal } from '../admission/admission.js';
import type { HandshakePort } from '../admission/upgrade.js';
import type { Acceptance } from '../admission/upgrade-result.js';
import { type Compression, chooseOffer } from './deflate-offer.js';
import { writeWhole } from './engine-response.js';
import type { UwsRequest, UwsResponse } from './uws.js';

export class UwsHandshake<UserData> implements HandshakePort {
  readonly request: HandshakeRequest;
  readonly #res: UwsResponse;
  readonly #context: unknown;
  readonly #key: string;
  /** The one offer that is agreed to. */
  readonly #extensions: string;
  readonly #makeData: (acceptance: Acceptance) => UserData;
  readonly #corkAnother: (work: () => void) => boolean;
  /** True once it is answered, or nobody is there to answer. The response may not be touched after that. */
  #isOver = false;
  #isAborted = false;
  #isWatched = false;
  #onAborted: (() => void) | undefined;

  /**
   * @param context the engine's, of its `upgrade` callback
   * @param compression what may be agreed to
   * @param corkAnother runs work inside a cork of some other socket, or of none
   */
  constructor(
    res: UwsResponse,
    req: UwsRequest,
    context: unknown,
    request: HandshakeRequest,
    makeData: (acceptance: Acceptance) => UserData,
    compression: Compression,
    corkAnother: (work: () => void) => boolean,
  ) {
    this.#res = res;
    this.#context = context;
    this.request = request;
    this.#makeData = makeData;
    this.#corkAnother = corkAnother;
    // The request is the engine's again when its callback returns.
    this.#key = req.getHeader('sec-websocket-key');
    this.#extensions = chooseOffer(request.headers['sec-websocket-extensions'], compression);
  }

  defer(onAborted: () => void): void {
    this.#onAborted = onAborted;
    this.#watch();
  }

  accept({ headers, ...rest }: Acceptance): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const res = this.#res;
    const data = this.#makeData({ headers, ...rest });
    const { subprotocol = '' } = rest.request;
    const upgrade = () => {
      if (headers.length > 0) res.writeStatus('101 Switching Protocols');
      for (const [name, value] of headers) res.writeHeader(name, value);
      res.upgrade(data, this.#key, subprotocol, this.#extensions, this.#context);
    };
    // Inside the engine's callback the response is corked already. Later, its own cork may end the WebSocket at once:
    // when it is done it looks at the memory of the response, which is the WebSocket's by then. Inside a cork of
    // another socket its own does nothing, but without one the engine warns of every write.
    const isLate = this.#isWatched;
    if (!isLate) res.cork(upgrade);
    else if (!this.#corkAnother(() => res.cork(upgrade))) upgrade();
  }

  refuse(refusal: Refusal): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onAborted = undefined;
    // A proxy may already pass on whatever its client sends: that must not reach the hub as requests of the proxy. The
    // engine would go on with what came in the same read, unless it is answered later.
    const isLate = this.#isWatched;
    this.#watch();
    const answer = () => {
      if (!this.#isAborted) respond(this.#res, refusal);
    };
    if (isLate) answer();
    else setImmediate(answer);
  }

  /** The engine ends the process when a response is neither ended nor watched. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#res.onAborted(() => {
      this.#isAborted = true;
      this.#isOver = true;
      this.#onAborted?.();
    });
  }
}

function respond(res: UwsResponse, { status, headers, body }: Refusal): void {
  writeWhole(res, status, textHeaders(headers), `${body}\n`, true);
}
