import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';
import type { GroupCoordinator } from '../groups/coordinator.js';
import type { Meter } from '../metrics/meter.js';
import type { BrokerNode } from '../config/node.js';
import type { Api } from '../../protocol/schema.js';
import type { Authorizer } from '../security/access/authorizer.js';
import type { Session } from '../security/session.js';
import type { LogStore } from '../storage/topics/log-store.js';
import type { ProducerIds } from '../storage/producers/producer-ids.js';
import type { TransactionCoordinator } from '../transactions/coordinator.js';

/** The parts of the broker that handlers use. */
export interface Services {
  readonly config: BrokerConfig;
  readonly store: LogStore;
  readonly coordinator: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly producerIds: ProducerIds;
  /** Undefined without ACLs: authenticated clients may do everything. */
  readonly authorizer: Authorizer | undefined;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Id and advertised address of this broker. */
  readonly node: BrokerNode;
}

/** Context of one request. */
export interface RequestContext extends Services {
  readonly apiVersion: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** Authentication state of the connection. */
  readonly session: Session;
  /** Aborted when the connection is closed or the broker stops. */
  readonly signal: AbortSignal;
  /** Memory for large parts of the response, reused once it is sent. */
  readonly memory: {
    readonly leftBytes: number;
    acquire(length: number): Buffer;
    reserve(bytes: number): void;
    unreserve(): void;
    release(): void;
  };
}

/** Handles the requests of one API in all supported versions. */
export interface Handler<Request = never, Response = unknown> extends Api<Request, Response> {
  /** Lowest version in ApiVersions, if it is lower than the lowest supported one. */
  readonly advertisedMinVersion?: number;
  /**
   * Whether later requests of the connection may be handled before this one is answered. The memory of such a request is reused
   * then: the handler must not keep parts of it.
   */
  readonly pipelined?: boolean;
  /** The response that fails everything in the request with one error code, for injected faults. */
  reject?(request: Request, errorCode: number): Response;
  /** @returns undefined if the client expects no response */
  handle(request: Request, context: RequestContext): Promise<Response | undefined> | Response | undefined;
}

/** A handler without its request and response types. */
export type AnyHandler = Handler<never, unknown>;

/** Infers the types of a handler. */
export function defineHandler<Request, Response>(
  handler: Handler<Request, Response>,
): Handler<Request, Response> {
  return handler;
}
