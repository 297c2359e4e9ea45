/** The progress of a load run as a bar on stderr, if that is a terminal. */
import cliProgress from '#vendor/cli-progress';
import type { LoadProgress } from '../../loadgen/index.js';

const PHASES = {
  open: 'connecting',
  warmup: 'warming up',
  measure: 'measuring',
  drain: 'last echoes',
} as const;

export interface ProgressBar {
  update(progress: LoadProgress): void;
  end(): void;
}

/** Undefined where nobody would see it. */
export function createProgressBar(): ProgressBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new cliProgress.SingleBar({
    format: '{phase} |{bar}| {percentage} % | {connections} connections | {messages} messages',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(1, 0, { phase: PHASES.open, connections: 0, messages: 0 });
  return {
    update({ phase, opened, elapsedMs, durationMs, messages }) {
      const share = Math.min(1, elapsedMs / durationMs);
      bar.update(share, {
        phase: PHASES[phase].padEnd(11),
        connections: opened,
        messages: messages.toLocaleString('en-US'),
      });
    },
    end: () => bar.stop(),
  };
}
