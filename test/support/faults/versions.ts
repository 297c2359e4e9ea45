/** A handler in a file that a test changes while a hub runs it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../processes/temporary-folder.js';

/** Keeps what is counted from one version to the next. */
const KEEPING = `
  suspend: (connection) => connection.state,
  resume(connection, state) { connection.state = { ...state, resumed: (state.resumed ?? 0) + 1 }; },
`;

/**
 * Answers each message with the version, how many have come, and the message: \`v1 3 text\`. \`wait <name>\` waits until the
 * test lifts the barrier of that name.
 */
function counting(version: string, hooks: string): string {
  return `
import { label } from './label.mjs';
import { reach, waitFor } from '${new URL('../../fixtures/barriers.mjs', import.meta.url)}';

export default {
  open(connection) {
    connection.state = { count: 0, opened: [connection.restarted, connection.reloaded] };
  },
  async message(connection, message) {
    const [command, name] = message.text().split(' ');
    if (command === 'exit') process.exit(3);
    if (command === 'who') return JSON.stringify([connection.restarted, connection.reloaded, connection.state]);
    if (command === 'loop') for (;;);
    const count = ++connection.state.count;
    if (command === 'wait') {
      reach(connection, name);
      await waitFor(connection, name);
    }
    return \`${version}\${label} \${count} \${message.text()}\`;
  },
  ${hooks}
};`;
}

export class Versions {
  readonly folder = temporaryFolder();
  readonly file = join(this.folder, 'handler.mjs');

  /** @param version what its replies begin with */
  constructor(version = 'v1', hooks = KEEPING) {
    this.label('');
    this.write(version, hooks);
  }

  /** The next version to be loaded. */
  write(version: string, hooks = KEEPING): void {
    this.writeSource(counting(version, hooks));
  }

  writeSource(source: string): void {
    writeFileSync(this.file, source);
  }

  /** Changes what the handler imports: it stands behind the version. */
  label(text: string): void {
    writeFileSync(join(this.folder, 'label.mjs'), `export const label = ${JSON.stringify(text)};`);
  }
}
