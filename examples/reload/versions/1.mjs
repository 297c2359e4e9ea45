// @ts-check
import { defineHandler } from 'shardhub/worker';

export default defineHandler({
  open(connection) {
    connection.state = { count: 0 };
  },
  message: (connection, message) => `${++connection.state.count}: ${message.text()}`,
  suspend: (connection) => connection.state,
  resume(connection, { count }) {
    connection.state = { count };
  },
});
