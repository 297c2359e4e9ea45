/**
 * Which of the compressions that a client offers the hub can agree to (RFC 7692 §5.1). uWebSockets.js answers an offer
 * as if it could honour all of it, and looks at one only: it is given that one, without what it would get wrong. Pure.
 */
import { TOKEN_SOURCE } from '../../util/http-token.js';

/** As in the option `compression`. */
export type Compression = 'off' | 'shared' | 'dedicated';

export type OfferParameters = Map<string, string | undefined>;

interface Offer {
  readonly name: string;
  readonly parameters: OfferParameters;
  /** False when a parameter is there twice. */
  isValid: boolean;
}

export const DEFLATE = 'permessage-deflate';
/**
 * A name, what it equals, and what is behind it (RFC 6455 §9.1). An element of a list may be empty. Nothing in it can be
 * matched in two ways: the time that a hostile header takes grows with its length only.
 */
const ITEM = new RegExp(
  String.raw`[\t ]*(?:(${TOKEN_SOURCE})[\t ]*(?:=[\t ]*(${TOKEN_SOURCE}|"(?:[^"\\]|\\.)*")[\t ]*)?)?([,;]|$)`,
  'y',
);
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/**
 * The offer to hand to the engine; empty to agree to none.
 *
 * @param header all lines of Sec-WebSocket-Extensions
 */
export function chooseOffer(header: string | undefined, mode: Compression): string {
  if (mode === 'off') return '';
  for (const parameters of readOffers(header)) {
    const chosen = rewrite(parameters, mode);
    if (chosen !== undefined) return chosen;
  }
  return '';
}

/** The offers of permessage-deflate that are right, in the client's order of preference. */
export function readOffers(header: string | undefined): readonly OfferParameters[] {
  if (header === undefined) return [];
  return parseOffers(header)
    .filter(
      ({ name, parameters, isValid }) =>
        name === DEFLATE && isValid && [...parameters].every(isKnownParameter),
    )
    .map(({ parameters }) => parameters);
}

/** In the client's order of preference; none when the header is not well-formed. */
function parseOffers(header: string): Offer[] {
  const offers: Offer[] = [];
  ITEM.lastIndex = 0;
  for (let isFirst = true; ; ) {
    const [all, name, value, end] = ITEM.exec(header) ?? [];
    if (all === undefined || (name === undefined && (!isFirst || end === ';'))) return [];
    if (isFirst && value !== undefined) return [];
    if (isFirst && name !== undefined) offers.push({ name, parameters: new Map(), isValid: true });
    else if (name !== undefined) addParameter(offers.at(-1)!, name, value);
    if (end === '') return offers;
    isFirst = end === ',';
  }
}

function addParameter(offer: Offer, key: string, value: string | undefined): void {
  if (offer.parameters.has(key)) offer.isValid = false;
  offer.parameters.set(key, value?.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value);
}

/** RFC 7692 §7.1. */
function isKnownParameter([name, value]: [string, string | undefined]): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === undefined;
    case 'server_max_window_bits':
      return value !== undefined && WINDOW_BITS.test(value);
    case 'client_max_window_bits':
      return value === undefined || WINDOW_BITS.test(value);
    default:
      return false;
  }
}

/** What the engine answers rightly; undefined when it cannot do what is demanded. */
function rewrite(parameters: OfferParameters, mode: Compression): string | undefined {
  const serverBits = parameters.get('server_max_window_bits');
  // Its shared compressor has one window, of 15, which it does not tell; it answers that nobody keeps a context.
  if (mode === 'shared') return serverBits === undefined ? DEFLATE : undefined;
  // A window of its own is kept from message to message, and is of 9 bits at least.
  if (serverBits === '8' || parameters.has('server_no_context_takeover')) return undefined;
  const server = serverBits === undefined ? '' : `; server_max_window_bits=${serverBits}`;
  if (parameters.has('client_no_context_takeover')) return `${DEFLATE}${server}; client_no_context_takeover`;
  // A hint. zlib makes 9 of a client's 8.
  const clientBits = parameters.get('client_max_window_bits');
  const isUseful = clientBits !== undefined && clientBits !== '8';
  return `${DEFLATE}${server}${isUseful ? `; client_max_window_bits=${clientBits}` : ''}`;
}
