/**
 * The metrics: their names, as Prometheus wants them (base units, `_total` for counters), what each is labelled with, and
 * what it says. No label is ever a topic, a user or a connection. docs/metrics.md has the same table.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram';
type Metric = readonly [type: MetricType, help: string, ...labels: string[]];

export const METRICS = {
  shardhub_build_info: ['gauge', 'Always 1: the version, and that of Node.js', 'version', 'node'],
  shardhub_draining: ['gauge', '1 from the first moment of a shutdown, else 0'],
  shardhub_connections: ['gauge', 'WebSockets that are open', 'route'],
  shardhub_connections_opened_total: ['counter', 'WebSockets that were opened'],
  shardhub_connections_closed_total: [
    'counter',
    'WebSockets that were closed, by code, and by whom (hub or peer); 1006 is without a close frame',
    'code',
    'by',
  ],
  shardhub_connection_timeouts_total: [
    'counter',
    'WebSockets that were closed for being silent (idleTimeout)',
  ],
  shardhub_connection_duration_seconds: ['histogram', 'How long WebSockets were open'],
  shardhub_handshakes_rejected_total: ['counter', 'Handshakes that were refused', 'reason'],
  shardhub_requests_rejected_total: ['counter', 'HTTP requests that were refused', 'reason'],
  shardhub_invalid_input_total: ['counter', 'Input of clients that ended their connections', 'reason'],
  shardhub_messages_received_total: ['counter', 'Messages that were accepted'],
  shardhub_received_bytes_total: ['counter', 'Bytes of their payloads'],
  shardhub_messages_sent_total: ['counter', 'Messages that were handed to sockets'],
  shardhub_sent_bytes_total: ['counter', 'Bytes of their payloads'],
  shardhub_in_flight_messages: ['gauge', 'Messages that are accepted and not finished'],
  shardhub_in_flight_bytes: ['gauge', 'Bytes of their payloads'],
  shardhub_batch_messages: ['histogram', 'Messages that were handed to a worker at once'],
  shardhub_shard_up: ['gauge', '1 while the worker of the shard serves, else 0', 'shard'],
  shardhub_shard_generation: ['gauge', 'Version of the handlers that the shard runs, from 1', 'shard'],
  shardhub_shard_connections: ['gauge', 'Connections of the shard', 'shard'],
  shardhub_shard_in_flight_records: [
    'gauge',
    'Records of the shard that are accepted and not finished',
    'shard',
  ],
  shardhub_shard_wakeups_total: ['counter', 'Times that the worker slept and was woken', 'shard'],
  shardhub_shard_wait_seconds: [
    'histogram',
    'From when a message was handed to a worker until it was taken up (the last of a batch, one at a time)',
    'shard',
  ],
  shardhub_handler_duration_seconds: [
    'histogram',
    'How long hooks took, promises included; of cheap ones, one of 8, or of 32, is measured and counted as all',
    'route',
    'hook',
  ],
  shardhub_handler_errors_total: ['counter', 'Hooks that threw or rejected'],
  shardhub_handler_timeouts_total: ['counter', 'Hooks that did not finish within handlerTimeoutMs'],
  shardhub_outbound_wait_seconds: [
    'histogram',
    'From when a socket was over its high-water mark until its peer had taken everything',
  ],
  shardhub_outbound_queued_messages: ['gauge', 'Messages in outbound queues'],
  shardhub_outbound_queued_bytes: ['gauge', 'Bytes of their payloads'],
  shardhub_outbound_engine_bytes: ['gauge', 'Bytes in the buffers of the engine'],
  shardhub_dropped_messages_total: ['counter', 'Messages and replies that were dropped', 'reason'],
  shardhub_shed_connections_total: ['counter', 'Connections that were closed for a bound', 'reason'],
  shardhub_crashed_connections_total: ['counter', 'Connections that a dying worker took with it'],
  shardhub_worker_exits_total: ['counter', 'Workers that ended by themselves, or were ended for a fault'],
  shardhub_worker_restarts_total: [
    'counter',
    'Workers that were replaced, by why the one before ended',
    'reason',
  ],
  shardhub_reloads_total: [
    'counter',
    'Times that all workers were to be replaced (reload, resize), by result: done, or failed, which changed nothing',
    'result',
  ],
  shardhub_broker_up: ['gauge', '1 while the broker is up, 0 while it is degraded or down', 'broker'],
  shardhub_broker_waiting_bytes: ['gauge', 'Bytes that wait to be sent to the broker'],
  shardhub_broker_failed_publications_total: ['counter', 'Publications with history that failed'],
  shardhub_broker_unsent_publications_total: [
    'counter',
    'Plain publications that other hubs did not get, since the broker was away or too much waited',
  ],
  shardhub_broker_lost_total: [
    'counter',
    'Times that the subscribers of a topic missed something that was not kept any more',
  ],
  shardhub_broker_foreign_messages_total: [
    'counter',
    'Messages on the subjects of the cluster that were none of ours, or of another version',
  ],
  shardhub_cluster_nodes: ['gauge', 'Hubs that are there, this one among them'],
  shardhub_published_messages_total: ['counter', 'Messages that were published to topics'],
  shardhub_deliveries_total: ['counter', 'Outbound queues that published messages went into'],
  shardhub_read_pauses_total: [
    'counter',
    'Times that a connection was not read for a while (overload: pause)',
  ],
  shardhub_listen_pauses_total: ['counter', 'Times that file descriptors had run out'],
  shardhub_log_lines_dropped_total: ['counter', 'Lines of the log that could not be written'],
  shardhub_event_loop_delay_seconds: [
    'histogram',
    'The longest delay of the event loop in each second, while somebody scrapes',
    'thread',
  ],
  shardhub_event_loop_utilization_ratio: [
    'gauge',
    'Part of the last second in which the event loop was not idle, while somebody scrapes',
    'thread',
  ],
  shardhub_thread_cpu_seconds_total: ['counter', 'CPU time of the thread (Linux)', 'thread'],
  process_cpu_seconds_total: ['counter', 'CPU time of the process, user and system'],
  process_resident_memory_bytes: ['gauge', 'Resident memory'],
  process_heap_bytes: ['gauge', 'Heap of the I/O thread that is in use'],
  process_start_time_seconds: ['gauge', 'When the process started, in Unix time'],
  process_open_fds: ['gauge', 'Open file descriptors (Linux)'],
  process_max_fds: ['gauge', 'How many there may be (Linux)'],
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
