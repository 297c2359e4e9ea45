/** Built-in handler `done`: answers `<text> done` as a binary frame. */
import { defineHandler } from '../handler.js';

export default defineHandler({
  payload: 'borrowed',
  message: (_connection, message) => Buffer.from(`${message.text()} done`),
});
