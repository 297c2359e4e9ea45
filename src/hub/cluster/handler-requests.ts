/** Answers what handlers ask (see wire/handler-request.ts). I/O thread. */
import type { Position } from '../../api/broker.js';
import { HubError, toErrorRecord } from '../../api/errors.js';
import { checkCloseCode } from '../../wire/close.js';
import {
  type DecodedRequest,
  decodeRequest,
  encodeAnswer,
  encodeFailure,
  MAX_ANSWER_BYTES,
} from '../../wire/handler-request.js';
import { decodePublish, type PublishRecord } from '../../wire/publish.js';
import type { Connection } from '../connection/connection.js';
import type { Cluster } from './cluster.js';

export interface HandlerRequestsHost {
  readonly cluster: Cluster;
  publish(
    connection: Connection | undefined,
    record: PublishRecord,
    isBinary: boolean,
    id: string | undefined,
  ): number | Promise<Position>;
  sendToUser(userId: string, data: string | Uint8Array): number;
  disconnectUser(userId: string, code: number, reason: string): number;
}

export class HandlerRequests {
  readonly #host: HandlerRequestsHost;

  constructor(host: HandlerRequestsHost) {
    this.#host = host;
  }

  handle(connection: Connection | undefined, payload: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    const decoded = decodeRequest(payload);
    this.#run(connection, decoded).then(
      (value) => answer(bounded(decoded.id, encodeAnswer(decoded.id, value))),
      (error) => answer(encodeFailure(decoded.id, plain(error))),
    );
  }

  async #run(connection: Connection | undefined, { request, data }: DecodedRequest): Promise<unknown> {
    const { cluster } = this.#host;
    switch (request.op) {
      case 'publish':
        return this.#host.publish(connection, decodePublish(data), request.isBinary, request.publishId);
      case 'subscribe':
        if (connection === undefined || !connection.isOpen)
          throw new HubError('ERR_CONNECTION_CLOSED', 'the connection is not open any more');
        return cluster.subscribe(connection, request.topic, request.options);
      case 'history':
        return cluster.history(request.topic, request.options);
      case 'presence':
        return cluster.presence(request.topic);
      case 'presenceStats':
        return cluster.presenceStats(request.topic);
      case 'sendToUser': {
        const { userId, data: text, isBinary } = request;
        return this.#host.sendToUser(userId, isBinary ? Buffer.from(text, 'base64') : text);
      }
      case 'disconnectUser': {
        const { code = 1000, reason = '' } = request.options;
        checkCloseCode(code);
        return this.#host.disconnectUser(request.userId, code, String(reason));
      }
    }
  }
}

/** The stack is of no use to whoever asked. */
function plain(error: unknown) {
  const { code, message } = toErrorRecord(error);
  return { ...(code === undefined ? {} : { code }), message };
}

function bounded(id: number, bytes: Buffer): Buffer {
  if (bytes.length <= MAX_ANSWER_BYTES) return bytes;
  const text = `the answer takes ${bytes.length} bytes but an answer has at most ${MAX_ANSWER_BYTES}: ask for less (limit)`;
  return encodeFailure(id, plain(new HubError('ERR_ARGUMENT', text)));
}
