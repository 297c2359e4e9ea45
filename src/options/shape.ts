/** All options, in the order in which they are listed. */
import { applicationOptions } from './application.js';
import { clusterOptions } from './cluster.js';
import { limitOptions, workerOptions } from './limits.js';
import type { InputOf } from './meta.js';
import { serverOptions } from './server.js';

export const optionsShape = {
  ...serverOptions,
  ...workerOptions,
  ...limitOptions,
  ...applicationOptions,
  ...clusterOptions,
};

/** What the schema takes. `HubOptions` is generated from it. */
export type OptionInputs = InputOf<typeof optionsShape>;
