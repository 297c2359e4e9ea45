/** Names the tests that passed at their second try only: each is a defect, of the test or of what it tests. For .ci/run. */
import type { Reporter, TestCase } from 'vitest/node';

export default class FlakyReporter implements Reporter {
  readonly #flaky: TestCase[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#flaky.push(test);
  }

  onTestRunEnd(): void {
    for (const { module, fullName } of this.#flaky)
      console.log(`passed at a second try only: ${module.relativeModuleId} > ${fullName}`);
  }
}
