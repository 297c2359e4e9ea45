// @ts-check
import { defineHandler } from 'shardhub/worker';

export default defineHandler({
  /** "pong", in a message of the same type. */
  message(_connection, message) {
    console.log(`received ${message.isBinary ? 'binary' : 'text'} message ${JSON.stringify(message.text())}`);
    return message.isBinary ? Buffer.from('pong') : 'pong';
  },
});
