/**
 * Types of handler modules, which run in the worker threads.
 *
 * @module shardhub/worker
 */
export { BadMessageError } from './api/bad-message.js';
export type {
  HistoryOptions,
  HistoryResult,
  Position,
  PresenceConnection,
  PresenceMember,
  PresenceResult,
  PresenceStats,
  Publication,
  PublishResult,
  SubscribeOptions,
  SubscribeResult,
  TopicLoss,
} from './api/broker.js';
export type { CloseUserOptions } from './api/close-options.js';
export { HubError, type HubErrorCode } from './api/errors.js';
export {
  type Connection,
  type ConnectionPublishOptions,
  type Data,
  defineHandler,
  type Handler,
  type HubAccess,
  type Message,
  type ReplyValue,
  type SendResult,
  type WorkerContext,
} from './api/handler.js';
export type { ClientCertificate, HandshakeRequest } from './api/handshake-request.js';
export type { HandlerLog, LogLevel, LogMethod } from './api/logger.js';
export type { PublishOptions } from './api/publish.js';
export type { SendStatus } from './api/send-status.js';
