// @ts-check
import { createHub } from 'shardhub';
import { jwtUpgrade } from 'shardhub/auth';
import { AUDIENCE, ISSUER, SECRET } from './config.mjs';

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/notes',
  handler: new URL('./handler.mjs', import.meta.url),
  origins: (process.env.ORIGINS ?? 'http://localhost:3000').split(','),
  subprotocols: ['notes'],
  upgrade: jwtUpgrade({
    key: SECRET,
    algorithms: ['HS256'],
    issuer: ISSUER,
    audience: AUDIENCE,
    requiredClaims: ['exp', 'sub'],
  }),
  // A connection outlives its token, but not by more than this many minutes.
  maxLifetime: 60,
});

hub.on('open', (connection) => {
  const { data, remoteAddress } = connection;
  hub.sendToUser(String(data.userId), `you have connected from ${remoteAddress} as well`, {
    except: connection,
  });
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
