/** What a thread found wrong, counted by kind, and the first of it in words. */

export interface LoadErrors {
  /** Messages that were not answered. */
  lost: number;
  /** Echoes that came later than that of a later message. */
  reordered: number;
  /** Echoes that came again. */
  repeated: number;
  /** Echoes of another length, kind or content than their message. */
  corrupt: number;
  /** Messages that are the echo of nothing that the connection sent, and what breaks the protocol. */
  unexpected: number;
  /** Connections that could not be opened. */
  connectFailed: number;
  /** Connections that ended during the run. */
  closed: number;
}

export type ErrorKind = keyof LoadErrors;

export const ERROR_KINDS = [
  'lost',
  'reordered',
  'repeated',
  'corrupt',
  'unexpected',
  'connectFailed',
  'closed',
] as const satisfies ErrorKind[];

export class Findings {
  readonly errors: LoadErrors = noErrors();
  first: string | undefined;

  note(kind: ErrorKind, text: () => string, count = 1): void {
    this.errors[kind] += count;
    this.first ??= text();
  }
}

export function noErrors(): LoadErrors {
  return { lost: 0, reordered: 0, repeated: 0, corrupt: 0, unexpected: 0, connectFailed: 0, closed: 0 };
}

export function sumErrors(all: readonly LoadErrors[]): LoadErrors {
  const sum = noErrors();
  for (const errors of all) {
    for (const kind of ERROR_KINDS) sum[kind] += errors[kind];
  }
  return sum;
}
