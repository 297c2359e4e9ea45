/** Built-in handler `echo`: every message comes back unchanged. */
import { defineHandler } from '../../worker.js';

export default defineHandler({
  payload: 'borrowed',
  message: (_connection, message) => message,
});
