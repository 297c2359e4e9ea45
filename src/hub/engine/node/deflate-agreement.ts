/** What engine `node` answers to an offer of permessage-deflate (RFC 7692 §7.1): all but a window of 256 bytes. Pure. */
import { type Compression, DEFLATE, type OfferParameters, readOffers } from '../deflate-offer.js';

export interface DeflateAgreement {
  /** The value of Sec-WebSocket-Extensions in the answer. */
  readonly response: string;
  /** Bits of the window that the server compresses with. */
  readonly serverBits: number;
  /** Bits of what is kept of earlier messages, to the client and from it; 0 is nothing. */
  readonly keptOut: number;
  readonly keptIn: number;
}

const MAX_BITS = 15;
/**
 * Bits of a window that is kept: 8 KiB of memory, from which a message of 1 KiB is compressed in 30 µs. The longest one, of
 * 32 KiB, takes five times as long.
 */
const KEPT_BITS = 13;

/**
 * The first offer that can be honoured, as agreed to.
 *
 * @param header all lines of Sec-WebSocket-Extensions
 * @param mode `shared` keeps nothing of earlier messages, `dedicated` a window of each side
 */
export function agreeOnDeflate(header: string | undefined, mode: Compression): DeflateAgreement | undefined {
  if (mode === 'off') return undefined;
  // zlib has no window of 8 bits.
  const parameters = readOffers(header).find((offer) => offer.get('server_max_window_bits') !== '8');
  return parameters === undefined ? undefined : agree(parameters, mode === 'dedicated');
}

function agree(offer: OfferParameters, mayKeep: boolean): DeflateAgreement {
  const keepsOut = mayKeep && !offer.has('server_no_context_takeover');
  const asked = offer.get('server_max_window_bits');
  const serverBits = Math.min(Number(asked ?? MAX_BITS), keepsOut ? KEPT_BITS : MAX_BITS);
  const keepsIn = mayKeep && !offer.has('client_no_context_takeover') && offer.has('client_max_window_bits');
  const clientBits = Math.min(Number(offer.get('client_max_window_bits') ?? MAX_BITS), KEPT_BITS);
  const response = [
    DEFLATE,
    ...(keepsOut ? [] : ['server_no_context_takeover']),
    // Who cannot be told of a smaller window would need the longest one to be kept.
    ...(keepsIn ? [`client_max_window_bits=${clientBits}`] : ['client_no_context_takeover']),
    ...(asked === undefined ? [] : [`server_max_window_bits=${serverBits}`]),
  ].join('; ');
  // Clients on zlib make 9 of 8.
  const keptIn = keepsIn ? Math.max(9, clientBits) : 0;
  return { response, serverBits, keptOut: keepsOut ? serverBits : 0, keptIn };
}
