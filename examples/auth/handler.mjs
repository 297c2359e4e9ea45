// @ts-check
import { defineHandler } from 'shardhub/worker';

/** @type {import('shardhub/worker').Handler<unknown, import('shardhub/auth').JwtData>} */
const notes = {
  open: (connection) => `hello, ${connection.data.userId}`,
  message: (connection, message) => `${connection.data.userId} noted: ${message.text()}`,
};

export default defineHandler(notes);
