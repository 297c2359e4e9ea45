/** The API pages, as typedoc makes them. */
import { expect, test } from 'vitest';
import { complaintsOf, DEADLINE_MS } from '../support/processes/project-script.js';

test(
  'everything public is documented, and every link leads somewhere',
  () => {
    expect(complaintsOf('node_modules/typedoc/bin/typedoc', '--emit', 'none')).toBe('');
  },
  DEADLINE_MS,
);
