/** In each file of the project of an engine: leaves out the tests that are about another one. */
import { beforeEach } from 'vitest';
import { whyNot } from './one-engine.js';

beforeEach(({ task, skip }) => {
  const names: string[] = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  const why = whyNot(String(process.env.SHARDHUB_TEST_ENGINE), task.file.filepath, names.join(' > '));
  if (why !== undefined) skip(why);
});
