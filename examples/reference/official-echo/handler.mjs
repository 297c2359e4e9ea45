// @ts-check
import { defineHandler } from 'shardhub/worker';

export default defineHandler({
  message(_connection, message) {
    console.log(`recv: ${message.isBinary ? `${message.byteLength} bytes` : JSON.stringify(message.text())}`);
    return message;
  },
});
