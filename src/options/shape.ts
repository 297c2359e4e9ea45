/** All options, in the order in which they are listed. */
import { applicationOptions } from './application.js';
import { frontOptions } from './front.js';
import { limitOptions, workerOptions } from './limits.js';
import type { InputOf } from './meta.js';

export const optionsShape = {
  ...frontOptions,
  ...workerOptions,
  ...limitOptions,
  ...applicationOptions,
};

/** What the schema takes. `HubOptions` is generated from it. */
export type OptionInputs = InputOf<typeof optionsShape>;
