/**
 * Built-in handler `burn`: keeps its thread busy for a time, then answers with the message. For benchmarks.
 *
 * `burn` takes 100 µs for each message, `burn:250` takes 250 µs (`?us=250` in the module's URL).
 */
import { defineHandler } from '../../api/handler.js';

const DEFAULT_US = 100;

const burnMs = Number(new URL(import.meta.url).searchParams.get('us') ?? DEFAULT_US) / 1000;
/** Something that the compiler cannot leave out. */
let sink = 0;
const roundsPerCheck = calibrate();

function spin(rounds: number): void {
  for (let i = 0; i < rounds; i++) sink = (Math.imul(sink, 1_664_525) + 1_013_904_223) | 0;
}

/** Rounds that take about 1 µs: the clock is looked at so often, and costs a twentieth of it. */
function calibrate(): number {
  const rounds = 100_000;
  spin(rounds);
  const start = performance.now();
  spin(rounds);
  const us = (performance.now() - start) * 1000;
  return Math.max(1, Math.round(rounds / us));
}

export default defineHandler({
  payload: 'borrowed',
  message: (_connection, message) => {
    const end = performance.now() + burnMs;
    while (performance.now() < end) spin(roundsPerCheck);
    return message;
  },
});
