// @ts-check
import { defineHandler } from 'shardhub/worker';

/** Counts letters, too: a state of the version before has none. */
export default defineHandler({
  open(connection) {
    connection.state = { count: 0, letters: 0 };
  },
  message({ state }, message) {
    const text = message.text();
    state.letters += text.length;
    return `${++state.count}: ${text.toUpperCase()} (${state.letters} letters)`;
  },
  suspend: (connection) => connection.state,
  resume(connection, { count, letters = 0 }) {
    connection.state = { count, letters };
  },
});
