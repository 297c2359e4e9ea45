/** Puts together what `GET /metrics` says. I/O thread. */
import { performance } from 'node:perf_hooks';
import type { ClusterStats, HubStats } from '../api/stats.js';
import type { Histogram } from '../util/histogram.js';
import { ownThreadId } from '../util/thread-id.js';
import { VERSION } from '../util/version.js';
import type { Counters } from './counters.js';
import { type Counted, Exposition } from './exposition.js';
import type { LoopWatch } from './loop-watch.js';
import { NODE_VERSION, processFigures, threadCpuSeconds } from './process-figures.js';

/** What a shard's worker measured. */
export interface ShardTimings {
  readonly threadId: number;
  readonly wait: Histogram;
  /** By handler. */
  readonly hooks: readonly Readonly<Record<string, Histogram>>[];
}

export interface MetricsSource {
  readonly counters: Counters;
  readonly loops: LoopWatch;
  stats(): HubStats;
  isDraining(): boolean;
  /** By shard; none without the option `metrics`. */
  timings(): ShardTimings[];
  /** Paths that each handler serves. */
  readonly routesOfHandlers: readonly string[];
}

export function renderMetrics(source: MetricsSource): string {
  const out = new Exposition();
  const stats = source.stats();
  out.add('shardhub_build_info', 1, VERSION, NODE_VERSION);
  out.add('shardhub_draining', Number(source.isDraining()));
  addConnections(out, stats, source.counters);
  addMessages(out, stats, source.counters);
  addShards(out, stats, source);
  addTroubles(out, stats, source.counters);
  addCluster(out, stats.cluster);
  addThreads(out, source);
  addProcess(out);
  return out.toString();
}

function addConnections(out: Exposition, { routes, connections }: HubStats, counters: Counters): void {
  for (const { path, connections: open } of routes) out.add('shardhub_connections', open, path);
  out.add('shardhub_connections_opened_total', connections.opened);
  for (const [code, all] of Object.entries(connections.closed)) {
    const byHub = counters.closedByHub[code] ?? 0;
    out.add('shardhub_connections_closed_total', byHub, code, 'hub');
    out.add('shardhub_connections_closed_total', all - byHub, code, 'peer');
  }
  out.add('shardhub_connection_timeouts_total', connections.timedOut);
  out.addHistogram('shardhub_connection_duration_seconds', counters.connectionSeconds);
}

function addMessages(out: Exposition, { messages, outbound, topics }: HubStats, counters: Counters): void {
  out.add('shardhub_messages_received_total', messages.received);
  out.add('shardhub_received_bytes_total', messages.receivedBytes);
  out.add('shardhub_messages_sent_total', messages.sent);
  out.add('shardhub_sent_bytes_total', messages.sentBytes);
  out.add('shardhub_in_flight_messages', messages.inFlight);
  out.add('shardhub_in_flight_bytes', messages.inFlightBytes);
  out.add('shardhub_outbound_queued_messages', outbound.queuedMessages);
  out.add('shardhub_outbound_queued_bytes', outbound.queuedBytes);
  out.add('shardhub_outbound_engine_bytes', outbound.engineBytes);
  out.addHistogram('shardhub_outbound_wait_seconds', counters.outboundWaitSeconds);
  out.add('shardhub_published_messages_total', topics.published);
  out.add('shardhub_deliveries_total', topics.deliveries);
}

function addShards(out: Exposition, { shards }: HubStats, source: MetricsSource): void {
  for (const { shard, state, connections, inFlight, wakeups, generation } of shards) {
    out.add('shardhub_shard_up', Number(state === 'up'), shard);
    out.add('shardhub_shard_generation', generation, shard);
    out.add('shardhub_shard_connections', connections, shard);
    out.add('shardhub_shard_in_flight_records', inFlight, shard);
    out.add('shardhub_shard_wakeups_total', wakeups, shard);
  }
  out.addHistogram('shardhub_batch_messages', source.counters.batchMessages);
  const timings = source.timings();
  for (const [shard, { wait }] of timings.entries())
    out.addHistogram('shardhub_shard_wait_seconds', wait, shard);
  for (const [handler, route] of source.routesOfHandlers.entries())
    for (const hook of Object.keys(timings[0]?.hooks[handler] ?? {}))
      out.addHistogram(
        'shardhub_handler_duration_seconds',
        sumOf(timings.map(({ hooks }) => hooks[handler]![hook]!)),
        route,
        hook,
      );
}

function addTroubles(out: Exposition, stats: HubStats, counters: Counters): void {
  out.addAll('shardhub_handshakes_rejected_total', counters.rejectedHandshakes);
  for (const [reason, all] of Object.entries(stats.rejected))
    out.add(
      'shardhub_requests_rejected_total',
      all - counters.rejectedHandshakes[reason as keyof typeof stats.rejected],
      reason,
    );
  out.addAll('shardhub_invalid_input_total', stats.invalid);
  out.addAll('shardhub_dropped_messages_total', stats.dropped);
  out.addAll('shardhub_shed_connections_total', counters.shedFor);
  out.add('shardhub_handler_errors_total', stats.handlerErrors);
  out.add('shardhub_handler_timeouts_total', stats.handlerTimeouts);
  out.add('shardhub_crashed_connections_total', stats.crashed);
  out.add('shardhub_worker_exits_total', stats.workerExits);
  out.addAll('shardhub_worker_restarts_total', counters.restartsFor);
  out.addAll('shardhub_reloads_total', { done: stats.reloads, failed: stats.reloadsFailed });
  out.add('shardhub_read_pauses_total', stats.readPauses);
  out.add('shardhub_listen_pauses_total', stats.listenPauses);
  out.add('shardhub_log_lines_dropped_total', stats.logLinesDropped);
}

function addCluster(out: Exposition, cluster: ClusterStats): void {
  out.add('shardhub_broker_up', Number(cluster.state === 'up'), cluster.broker);
  out.add('shardhub_broker_waiting_bytes', cluster.waitingBytes);
  out.add('shardhub_broker_failed_publications_total', cluster.failed);
  out.add('shardhub_broker_unsent_publications_total', cluster.unsent);
  out.add('shardhub_broker_lost_total', cluster.lost);
  out.add('shardhub_broker_foreign_messages_total', cluster.foreign);
  out.add('shardhub_cluster_nodes', cluster.nodes);
}

function addThreads(out: Exposition, { loops, timings }: MetricsSource): void {
  const threads = [ownThreadId(), ...timings().map(({ threadId }) => threadId)];
  for (const [i, delay] of loops.delays.entries()) {
    const thread = i === 0 ? 'io' : `worker-${i - 1}`;
    out.addHistogram('shardhub_event_loop_delay_seconds', delay, thread);
    out.add('shardhub_event_loop_utilization_ratio', loops.utilizations[i], thread);
    out.add('shardhub_thread_cpu_seconds_total', threadCpuSeconds(threads[i] ?? 0), thread);
  }
}

function addProcess(out: Exposition): void {
  const { cpuSeconds, residentBytes, heapBytes, openFds, maxFds } = processFigures();
  out.add('process_cpu_seconds_total', cpuSeconds);
  out.add('process_resident_memory_bytes', residentBytes);
  out.add('process_heap_bytes', heapBytes);
  out.add('process_start_time_seconds', performance.timeOrigin / 1000);
  out.add('process_open_fds', openFds);
  out.add('process_max_fds', maxFds);
}

/** Several of the same bounds as one. */
function sumOf(histograms: readonly Histogram[]): Counted {
  const { bounds } = histograms[0]!;
  const all = histograms.map(({ counts }) => counts);
  return {
    bounds,
    counts: all[0]!.map((_, i) => all.reduce((sum, counts) => sum + counts[i]!, 0)),
    sum: histograms.reduce((sum, histogram) => sum + histogram.sum, 0),
  };
}
