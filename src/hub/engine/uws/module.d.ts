/** The package may be missing where the hub is built, and its own types are not used: see uws.ts. */
declare module 'uWebSockets.js';
