/**
 * The public API of shardhub, by explicit names. Handler types are in `shardhub/worker`.
 *
 * @module shardhub
 */
export type { AffinityHook } from './api/affinity.js';
export { CloseCode } from './api/close-codes.js';
export type { CloseOptions } from './api/close-options.js';
export { type ErrorRecord, HUB_ERROR_CODES, HubError, type HubErrorCode } from './api/errors.js';
export type {
  HandlerErrorEvent,
  HandlerTimeoutEvent,
  HubEventName,
  HubEvents,
  PingListener,
  PongListener,
  RejectEvent,
  WorkerExitEvent,
  WorkerRestEvent,
} from './api/events.js';
export type {
  OriginCheck,
  ResponseHeaders,
  UpgradeAcceptance,
  UpgradeHook,
  UpgradeRejection,
  UpgradeResult,
} from './api/upgrade.js';
export { BUILT_IN_HANDLERS } from './hub/admission/handler-source.js';
export type { SendStatus } from './hub/connection/connection-state.js';
export type { Payload } from './hub/connection/payload.js';
export type { ShardState, ShardStats } from './hub/dispatch/shard.js';
export type { HttpHandler, HttpInfo } from './hub/http/http-app.js';
export type { StatsEvent } from './hub/http/stats-feed.js';
export { createHub, type Hub, type HubState } from './hub/hub.js';
export { abandonedWorkers } from './hub/pool/abandoned.js';
export type { HubConnection, PingOptions } from './hub/pubsub/hub-connection.js';
export type { ConnectionFilter, Except, HubPublishOptions } from './hub/pubsub/registry.js';
export type { CliMeta } from './options/meta.js';
export {
  type HubOptions,
  type Logger,
  listOptions,
  type OptionInfo,
  type OptionName,
  type ResolvedOptions,
  type RouteOptions,
  resolveOptions,
} from './options/options.js';
export type { DropReason, InvalidReason, RejectReason } from './telemetry/counters.js';
export type { HubDiagnostics } from './telemetry/emitter.js';
export type { Latency } from './telemetry/latency.js';
export type { HubStats, RouteStats } from './telemetry/stats.js';
export { isLoopbackHost } from './util/address.js';
export { VERSION } from './util/version.js';
export type { HandshakeRequest } from './wire/request.js';
