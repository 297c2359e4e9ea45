/** As an option of a hub. */
export const engineUnderTest: { readonly engine?: 'uws' | 'node' };
/** As a variable of the command. */
export const engineVariable: Readonly<Record<string, string>>;
/** What is due on the engine under test, where docs/engines.md says that they differ. */
export function byEngine<T>(due: { readonly uws: T; readonly node: T }): T;
