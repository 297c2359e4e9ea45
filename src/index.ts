/**
 * The public API of shardhub, by explicit names. Handler types are in `shardhub/worker`.
 *
 * @module shardhub
 */
export type { AffinityHook } from './affinity.js';
export { CloseCode } from './close-codes.js';
export { type ErrorRecord, HUB_ERROR_CODES, HubError, type HubErrorCode } from './errors.js';
export { abandonedWorkers } from './hub/abandoned.js';
export { isLoopbackHost } from './hub/address.js';
export type { ConnectionFilter, Except, HubPublishOptions } from './hub/audience.js';
export type { CloseOptions } from './hub/close-options.js';
export type { SendStatus } from './hub/connection-state.js';
export type { HubDiagnostics } from './hub/emitter.js';
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
} from './hub/events.js';
export { BUILT_IN_HANDLERS } from './hub/handler-source.js';
export type { HttpHandler, HttpInfo } from './hub/http-app.js';
export { createHub, type Hub, type HubState } from './hub/hub.js';
export type { HubConnection, PingOptions } from './hub/hub-connection.js';
export type { Payload } from './hub/payload.js';
export type { ShardState, ShardStats } from './hub/shard.js';
export type { HubStats, RouteStats } from './hub/stats.js';
export type { StatsEvent } from './hub/stats-feed.js';
export type { DropReason, InvalidReason, RejectReason } from './metrics/counters.js';
export type { Latency } from './metrics/latency.js';
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
} from './options.js';
export type {
  OriginCheck,
  ResponseHeaders,
  UpgradeAcceptance,
  UpgradeHook,
  UpgradeRejection,
  UpgradeResult,
} from './upgrade.js';
export { VERSION } from './version.js';
export type { HandshakeRequest } from './wire/request.js';
