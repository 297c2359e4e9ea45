/** Built-in handler `done`: answers `<text> done` as a binary frame. */
import { defineHandler } from '../../api/handler.js';

const SUFFIX = Buffer.from(' done');

export default defineHandler({
  payload: 'borrowed',
  // Not its text: bytes that are not UTF-8 are answered too.
  message: (_connection, message) => Buffer.concat([message.bytes, SUFFIX]),
});
