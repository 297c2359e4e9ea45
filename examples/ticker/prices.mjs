// @ts-check
/** What the market and the nodes have in common. */

export const SYMBOLS = /** @type {const} */ (['ACME', 'GLOBEX', 'INITECH']);

/** Of a price nobody needs more than the newest. */
export const HISTORY = { size: 1, ttlMs: 86_400_000 };

/** @param {string} symbol */
export const topicOf = (symbol) => `price:${symbol}`;

/**
 * Where a program that is no hub publishes it on NATS.
 *
 * @param {string} symbol
 */
export const subjectOf = (symbol) =>
  `sh.1.h.${HISTORY.size}-${HISTORY.ttlMs}.${encodeURIComponent(topicOf(symbol))}`;
