// @ts-check
/** What the server and whoever issues tokens have to agree on. */

/** At least 32 bytes for HS256. Anybody can read this one: set your own. */
export const SECRET = process.env.JWT_SECRET ?? 'everybody-knows-this-secret-set-your-own';
export const ISSUER = 'https://id.example';
export const AUDIENCE = 'notes';
