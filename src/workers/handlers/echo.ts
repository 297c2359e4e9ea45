/** Built-in handler `echo`: every message comes back unchanged. */
import { defineHandler } from '../../api/handler.js';

export default defineHandler({
  payload: 'borrowed',
  message: (_connection, message) => message,
});
