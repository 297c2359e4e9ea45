// @ts-check
/** Prints a token for the user that is named: `node token.mjs ann`. In real life, a login does this. */
import { SignJWT } from 'jose';
import { AUDIENCE, ISSUER, SECRET } from './config.mjs';

const [user] = process.argv.slice(2);
if (user === undefined) {
  console.error('usage: node token.mjs <user>');
  process.exit(2);
}
const token = await new SignJWT({})
  .setProtectedHeader({ alg: 'HS256' })
  .setSubject(user)
  .setIssuer(ISSUER)
  .setAudience(AUDIENCE)
  .setIssuedAt()
  .setExpirationTime('10 minutes')
  .sign(Buffer.from(SECRET));
console.log(token);
