/** Rows in columns, for a terminal. */
import { escapeControls } from '../terminal/escape.js';

/** @param heads the columns: a field and its head for each */
export function columns(
  rows: readonly Readonly<Record<string, unknown>>[],
  heads: Readonly<Record<string, string>>,
): string {
  const cells = rows.map((row) =>
    Object.keys(heads).map((field) => escapeControls(String(row[field] ?? '-'))),
  );
  const all = [Object.values(heads), ...cells];
  const widths = Object.keys(heads).map((_, i) => Math.max(...all.map((line) => line[i]!.length)));
  return all
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
