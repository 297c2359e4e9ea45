/** shardhub, with the options of its first argument (JSON): a server as a user would start one. */
import { createHub } from 'shardhub';
import { announce } from './support/control.mjs';

const hub = await createHub({ port: 0, ...JSON.parse(process.argv[2] ?? '{}') });
announce(hub.port, { stats: () => hub.stats() });
