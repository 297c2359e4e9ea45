/** Once for a run of the project of an engine: which tests are left out, and why. */
import type { TestProject } from 'vitest/node';
import { ONE_ENGINE } from './one-engine.js';

export default function printTable(project: TestProject): void {
  const { SHARDHUB_TEST_ENGINE: engine } = project.config.env;
  const others = ONE_ENGINE.filter((one) => one.engine !== engine && !one.isOver);
  console.log(`left out with engine ${engine}, as they are about another one:`);
  for (const { file, name, why } of others)
    console.log(`  ${file}${name === undefined ? '' : ` > ${name}`}: ${why}`);
}
