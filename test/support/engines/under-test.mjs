/** The engine that a run of the tests is about: SHARDHUB_TEST_ENGINE, or what `auto` takes. */
const { SHARDHUB_TEST_ENGINE: engine } = process.env;

export const engineUnderTest = engine === undefined ? {} : { engine };
export const engineVariable = engine === undefined ? {} : { SHARDHUB_ENGINE: engine };
export const byEngine = (due) => (engine === 'node' ? due.node : due.uws);
