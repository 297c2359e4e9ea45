// @ts-check
import { defineHandler } from 'shardhub/worker';

export default defineHandler({
  open: (connection) => connection.subscribe('orders'),
});
