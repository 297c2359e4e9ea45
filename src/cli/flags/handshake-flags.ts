/** The flags of every command that connects to a server: what its handshake says, and whom it trusts. */
import { repeatable, single, toggle } from './tool-flags.js';
import { HEADER, ORIGIN } from './values.js';

export const HANDSHAKE_FLAGS = {
  header: repeatable(
    "--header <'Name: value'>",
    HEADER,
    'header of the handshake request; repeatable, with the same name as well',
  ),
  origin: single('--origin <origin>', ORIGIN, 'Origin header'),
  insecure: toggle('--insecure', 'accept any TLS certificate'),
};
