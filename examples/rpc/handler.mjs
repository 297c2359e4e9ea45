// @ts-check
import { defineHandler } from 'shardhub/worker';
import { methods } from './methods.mjs';
import { answer } from './rpc.mjs';

export default defineHandler({
  message: (_connection, message) => answer(message.text(), methods),
});
