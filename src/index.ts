/**
 * The public API of shardhub, by explicit names. Handler types are in `shardhub/worker`.
 *
 * @module shardhub
 */
export type { AffinityHook } from './api/affinity.js';
export type {
  ClusterNode,
  HistoryOptions,
  HistoryResult,
  HubBroker,
  Nodes,
  Position,
  PresenceConnection,
  PresenceMember,
  PresenceResult,
  PresenceStats,
  Publication,
} from './api/broker.js';
export { CloseCode } from './api/close-codes.js';
export type { CloseOptions, CloseUserOptions } from './api/close-options.js';
export type { HubConnection, PingOptions } from './api/connection.js';
export { type ErrorRecord, HUB_ERROR_CODES, HubError, type HubErrorCode } from './api/errors.js';
export type {
  HandlerErrorEvent,
  HandlerTimeoutEvent,
  HubDiagnostics,
  HubEventName,
  HubEvents,
  PingListener,
  PongListener,
  RejectEvent,
  ReloadEvent,
  WorkerExitEvent,
  WorkerRestEvent,
} from './api/events.js';
export type { ClientCertificate, HandshakeRequest } from './api/handshake-request.js';
export type { HttpHandler, HttpInfo } from './api/http.js';

export type { Payload } from './api/payload.js';
export type { ConnectionFilter, Except, HubPublishOptions } from './api/publish.js';
export type { DropReason, InvalidReason, RejectReason } from './api/reasons.js';
export type { HandlerInfo, ReloadOptions, ReloadResult } from './api/reload.js';
export type { SendStatus } from './api/send-status.js';
export type {
  ClusterStats,
  HubStats,
  Latency,
  RouteStats,
  ShardState,
  ShardStats,
  StatsEvent,
} from './api/stats.js';
export type {
  OriginCheck,
  ResponseHeaders,
  UpgradeAcceptance,
  UpgradeHook,
  UpgradeRejection,
  UpgradeResult,
} from './api/upgrade.js';
export { BUILT_IN_HANDLERS } from './hub/admission/handler-source.js';
/** @internal For `shardhub serve --processes`. */
export { tellOfAll } from './hub/http/whole.js';
export { createHub, type Hub, type HubState } from './hub/hub.js';
export type { OptionChanges } from './hub/live-options.js';
export { abandonedWorkers } from './hub/pool/abandoned.js';
export type { CliMeta } from './options/meta.js';
export {
  type HubOptions,
  type Logger,
  listOptions,
  type OptionInfo,
  type OptionName,
  optionsJsonSchema,
  type ResolvedOptions,
  type RouteOptions,
  resolveOptions,
} from './options/options.js';
export { isLoopbackHost } from './util/address.js';
export { usableCores } from './util/idle-cores.js';
export { VERSION } from './util/version.js';
