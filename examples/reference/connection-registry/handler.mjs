// @ts-check
import { defineHandler } from 'shardhub/worker';

export default defineHandler({
  /** processLoop: what comes goes back, as the kind that it was. */
  message(connection, message) {
    const text = message.isBinary ? `${message.byteLength} bytes` : JSON.stringify(message.text());
    console.log(`${connection.id} says ${text}`);
    return message;
  },
});
