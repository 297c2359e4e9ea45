/** A handshake over the engine's request and response. */
import type { HandshakeRequest } from '../../../api/handshake-request.js';
import { textHeaders } from '../../../util/headers.js';
import type { Refusal } from '../../admission/admission.js';
import type { HandshakePort } from '../../admission/upgrade.js';
import type { Acceptance } from '../../admission/upgrade-result.js';
import { type Compression, chooseOffer } from '../deflate-offer.js';
import { writeWhole } from './engine-response.js';
import type { UwsResponse } from './uws.js';

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
    this.#key = request.headers['sec-websocket-key'] ?? '';
    this.#extensions = chooseOffer(request.headers['sec-websocket-extensions'], compression);
  }

  defer(onAborted: () => void): void {
    this.#onAborted = onAborted;
    this.#watch();
  }

  accept(acceptance: Acceptance): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Inside the engine's callback the response is corked already. Later, its own cork may end the WebSocket at once:
    // when it is done it looks at the memory of the response, which is the WebSocket's by then. Inside a cork of
    // another socket its own does nothing, but without one the engine warns of every write.
    if (!this.#isWatched) {
      this.#upgrade(acceptance);
      return;
    }
    const upgrade = () => this.#upgrade(acceptance);
    if (!this.#corkAnother(() => this.#res.cork(upgrade))) upgrade();
  }

  #upgrade(acceptance: Acceptance): void {
    const res = this.#res;
    const { headers, request } = acceptance;
    if (headers.length > 0) res.writeStatus('101 Switching Protocols');
    for (const [name, value] of headers) res.writeHeader(name, value);
    const data = this.#makeData(acceptance);
    res.upgrade(data, this.#key, request.subprotocol ?? '', this.#extensions, this.#context);
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
