/** `POST /echo` from autocannon: every body is checked. */
import autocannon from 'autocannon';
import { BenchAbort } from '../lib/errors.mjs';
import { clientFigures, withCpu } from './cpu.mjs';

const SAMPLE_MS = 100;

/** @throws BenchAbort when a response is missing, is not 200, or is not the body that was sent */
async function runCheckedHttp(url, { connections, body }, duration) {
  const cpuBefore = process.cpuUsage();
  const result = await autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    expectBody: body,
    connections,
    duration,
    sampleInt: SAMPLE_MS,
  });
  const answered = result.statusCodeStats['200']?.count ?? 0;
  const faults = {
    'with a wrong body': result.mismatches,
    'that are not 200': result.requests.total - answered,
    'that failed': result.errors,
    // autocannon itself asks again after a connection that was ended: one request of each may be on its way.
    'that never came': result.requests.sent - result.requests.total - connections,
  };
  const seen = Object.entries(faults).filter(([, count]) => count > 0);
  if (seen.length > 0)
    throw new BenchAbort(`responses: ${seen.map(([name, count]) => `${count} ${name}`).join(', ')}`);
  if (answered === 0) throw new BenchAbort('no request was answered');
  const seconds = (result.finish - result.start) / 1000;
  return { count: answered, seconds, latency: result.latency, client: clientFigures(cpuBefore, seconds) };
}

export async function measureHttp({ child, row, settings }) {
  await runCheckedHttp(child.echoUrl, row, settings.warmup);
  const { value, cpu } = await withCpu(child, () => runCheckedHttp(child.echoUrl, row, settings.seconds));
  return {
    requestsPerSecond: value.count / value.seconds,
    p50: value.latency.p50,
    p99: value.latency.p99,
    ...cpu,
    ...value.client,
  };
}
