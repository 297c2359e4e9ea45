/** The few statistics that the benchmarks use. */

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest value that at least `fraction` of the values do not exceed (nearest rank). */
export function percentile(values, fraction) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
}

/**
 * What the rounds of one server say of one figure.
 *
 * @param {(number | null)[]} values one per round; null where it could not be measured
 * @returns {{ median: number, min: number, max: number } | null}
 */
export function summarise(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return null;
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) };
}

/** Each figure of a list of rounds, summarised. @param {Record<string, number | null>[]} rounds */
export function summariseRounds(rounds) {
  const names = new Set(rounds.flatMap((figures) => Object.keys(figures)));
  return Object.fromEntries([...names].map((name) => [name, summarise(rounds.map((round) => round[name]))]));
}

/** The list, begun at another place: so that no server always comes first. */
export function rotate(list, by) {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
