import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';
import type { GroupCoordinator } from '../groups/coordinator.js';
import type { Meter } from '../metrics/meter.js';
import type { BrokerNode } from '../config/node.js';
import type { Schema } from '../../protocol/schema.js';
import type { Session } from '../security/session.js';
import type { LogStore } from '../storage/topics/log-store.js';
import type { ProducerIds } from '../storage/producers/producer-ids.js';
import type { TransactionCoordinator } from '../transactions/coordinator.js';

/** What handlers work with. */
export interface Services {
  readonly config: BrokerConfig;
  readonly store: LogStore;
  readonly coordinator: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly producerIds: ProducerIds;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** This broker, as clients reach it. */
  readonly node: BrokerNode;
}

/** One request's surroundings. */
export interface RequestContext extends Services {
  readonly apiVersion: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** Who the client has proved to be, or is about to. */
  readonly session: Session;
  /** Aborted when the connection ends or the broker stops: nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Memory for large parts of the answer, used again once it is sent. */
  readonly memory: { take(length: number): Buffer; giveBack(): void };
}

/** One API of the protocol, in all the versions that are served. */
export interface Handler<Request = never, Response = unknown> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Lowest version that ApiVersions names, where it is lower than what is served. */
  readonly advertisedMinVersion?: number;
  /** First version with compact lengths and tagged fields. */
  readonly flexibleFrom: number;
  readonly request: Schema<Request>;
  readonly response: Schema<Response>;
  /** Whether later requests of the connection may start before this one is answered. */
  readonly pipelined?: boolean;
  /** The answer that fails everything asked for with one code; injected faults need it. */
  refuse?(request: Request, errorCode: number): Response;
  /** @returns undefined where the client wants no answer */
  handle(request: Request, context: RequestContext): Promise<Response | undefined> | Response | undefined;
}

/** Any handler, its types known to itself alone. */
export type AnyHandler = Handler<never, unknown>;

/** Ties a handler's types together. */
export function defineHandler<Request, Response>(
  handler: Handler<Request, Response>,
): Handler<Request, Response> {
  return handler;
}
