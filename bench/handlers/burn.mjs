/**
 * Does a fixed amount of work on every message, then echoes it. Work and not time: a thread that has to wait for a
 * core does not come by its share meanwhile.
 */

/** Something that the compiler cannot leave out. */
let sink = 0;

function work(rounds) {
  for (let i = 0; i < rounds; i++) sink = (Math.imul(sink, 1_664_525) + 1_013_904_223) | 0;
}

/** URL of this handler with as much work for each message as takes so many µs on a core of its own here. */
export function burnHandler(micros) {
  const sample = 100_000;
  const tries = Array.from({ length: 50 }, () => {
    const start = performance.now();
    work(sample);
    return (performance.now() - start) * 1000;
  });
  // The fastest was disturbed the least, and compiled.
  const url = new URL(import.meta.url);
  url.searchParams.set('rounds', Math.round((sample * micros) / Math.min(...tries)));
  return url.href;
}

const rounds = Number(new URL(import.meta.url).searchParams.get('rounds'));

export default {
  payload: 'borrowed',
  message: (_connection, message) => {
    work(rounds);
    return message;
  },
};
