/** As an option of a hub. */
export const engineUnderTest: { readonly engine?: 'uws' | 'node' };
/** As a variable of the command. */
export const engineVariable: Readonly<Record<string, string>>;
