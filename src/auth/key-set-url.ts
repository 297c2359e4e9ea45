/** A set of public keys at an address: what may be asked, and what is taken of the answer. */
import { HubError } from '../api/errors.js';
import { type KeySet, parseKeySet, textOf } from './key-set.js';
import { bad } from './token.js';

/** A set has a few keys of some hundred bytes. */
const MAX_SET_BYTES = 1024 * 1024;
/** Anybody can make it ask: a server that fails is left alone for so long. */
const RETRY_MS = 1000;
/** Names of this machine: what is asked for there crosses no network. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** True for what is meant as an address and not as a path. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text);
}

/** @throws HubError `ERR_OPTION` */
export function checkAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url === undefined || !isSafe || url.username !== '' || url.password !== '')
    throw bad(
      'jwks takes the path of a file, or an https: address without a user (http: for this machine only): ' +
        `keys that others can change on their way let others in`,
    );
  return url;
}

export class KeySetUrl {
  readonly url: URL;
  readonly #onSet: (set: KeySet) => void;
  #failure: { readonly error: HubError; readonly at: number } | undefined;
  #fetchedAt = 0;

  constructor(url: URL, onSet: (set: KeySet) => void) {
    this.url = url;
    this.#onSet = onSet;
  }

  /** Since the last set came. */
  get ageMs(): number {
    return performance.now() - this.#fetchedAt;
  }

  /** Called like `fetch`. @throws HubError `ERR_UPGRADE` that says why there is no set */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (this.#failure !== undefined && performance.now() - this.#failure.at < RETRY_MS)
      throw this.#failure.error;
    try {
      const set = parseKeySet(await fetchText(url, init));
      this.#failure = undefined;
      this.#fetchedAt = performance.now();
      this.#onSet(set);
      return Response.json({ keys: set.keys });
    } catch (thrown) {
      const why = reasonOf(thrown);
      const error = new HubError('ERR_UPGRADE', `jwtUpgrade: no key set from ${url}: ${why}`, {
        cause: thrown,
      });
      this.#failure = { error, at: performance.now() };
      throw error;
    }
  };
}

async function fetchText(url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status} (redirects are not followed)`);
  }
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_SET_BYTES) throw new Error(`it is longer than ${MAX_SET_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** `fetch failed` has the reason in its cause. */
function reasonOf(thrown: unknown): string {
  const { name, cause } = thrown as { name?: string; cause?: unknown };
  if (name === 'TimeoutError') return 'it did not answer in time';
  const { code } = (cause ?? {}) as { code?: string };
  return cause === undefined ? textOf(thrown) : textOf(cause) || code || textOf(thrown);
}
