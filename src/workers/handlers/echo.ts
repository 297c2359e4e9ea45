/** Built-in handler `echo`: every message comes back unchanged. */
import { defineHandler } from '../handler.js';

export default defineHandler({
  payload: 'borrowed',
  message: (_connection, message) => message,
});
