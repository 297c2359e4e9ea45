/** The result of a load run as tables. */
import Table from '#vendor/cli-table3';
import { ERROR_KINDS, type LoadResult } from '../../loadgen/index.js';

const ERROR_NAMES = { connectFailed: 'failed to connect', closed: 'closed early' } as const;
/** No colours: the text is the same in a terminal and in a file. */
const PLAIN = { style: { head: [], border: [] } };
const WITHOUT_LINES = { chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' } };

export function formatReport(result: LoadResult, threads: number): string {
  return `${latencyTable(result)}\n${summaryTable(result, threads)}`;
}

function latencyTable({ latencyMs }: LoadResult): string {
  const { min, mean, p50, p75, p90, p97_5, p99, p99_9, max } = latencyMs;
  const table = new Table({
    ...PLAIN,
    head: ['Latency', 'min', 'mean', 'p50', 'p75', 'p90', 'p97.5', 'p99', 'p99.9', 'max'],
  });
  const isEmpty = max === 0;
  const values = [min, mean, p50, p75, p90, p97_5, p99, p99_9, max];
  table.push(['ms', ...values.map((ms) => (isEmpty ? '-' : formatMs(ms)))]);
  return table.toString();
}

function summaryTable(result: LoadResult, threads: number): string {
  const { messages, seconds, messagesPerSecond, bytesPerSecond, rate, inFlight, cpu } = result;
  const table = new Table({ ...PLAIN, ...WITHOUT_LINES });
  const loop =
    rate === undefined ? `${count(inFlight)} in flight each` : `${count(rate)} messages/s asked for`;
  const busy = `busy ${Math.round(cpu.utilisation * 100)} % of the time`;
  table.push(
    ['Load', `${count(result.connections)} connections, ${loop}, ${count(result.size)} B`],
    [
      'Throughput',
      `${count(messagesPerSecond)} messages/s, ${(bytesPerSecond / 1e6).toFixed(2)} MB/s each way`,
    ],
    ['Messages', `${count(messages)} echoed in ${seconds.toFixed(2)} s`],
    ['Errors', formatErrors(result)],
    ['Generator', `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${busy}${formatLate(result)}`],
  );
  if (result.bottleneckReason !== undefined) {
    table.push(['Bottleneck', `the load generator, not the server: ${result.bottleneckReason}`]);
  }
  return table.toString();
}

function formatErrors({ errors }: LoadResult): string {
  const found = ERROR_KINDS.filter((kind) => errors[kind] > 0);
  const names: Partial<Record<string, string>> = ERROR_NAMES;
  return found.map((kind) => `${count(errors[kind])} ${names[kind] ?? kind}`).join(', ') || 'none';
}

function formatLate({ rate, lateSends }: LoadResult): string {
  return rate === undefined ? '' : `, ${count(lateSends)} messages sent late`;
}

function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });
}

/** Three significant digits, as the histogram has. */
function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}
