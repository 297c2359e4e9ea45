// @ts-check
/** Quotes that somebody made up. */

export const SYMBOLS = ['ACME', 'GLOBEX', 'HOOLI', 'INITECH', 'UMBRELLA'];

const LEVELS = 50;

/** @typedef {{ symbol: string, seq: number, price: number, bids: number[][], asks: number[][] }} Quote */

/** A random walk for each symbol; `seq` counts the quotes of a symbol from 1. */
export function quotes() {
  const last = new Map(SYMBOLS.map((symbol) => [symbol, { seq: 0, price: 100 }]));
  return {
    /** @type {(symbol: string) => Quote} */
    next(symbol) {
      const { seq, price: before } = last.get(symbol) ?? { seq: 0, price: 100 };
      const price = Math.max(1, before + Math.random() - 0.5);
      last.set(symbol, { seq: seq + 1, price });
      return { symbol, seq: seq + 1, price, bids: book(price, -0.01), asks: book(price, 0.01) };
    },
  };
}

/** @type {(price: number, step: number) => number[][]} */
function book(price, step) {
  return Array.from({ length: LEVELS }, (_, i) => [
    Number((price + step * (i + 1)).toFixed(2)),
    Math.ceil(Math.random() * 1000),
  ]);
}
