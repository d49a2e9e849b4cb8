import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { checkBeforeBody, type BodyCheck } from './before-body.js';
import { Connections } from './connections.js';
import { NestLogger } from '../logging/nest-logger.js';
import { ProblemFilter } from './problem.filter.js';
import { answerUnparsedRequest } from './unparsed-request.js';

/** Longest that a request may take to arrive: a sender that stalls must not hold a connection. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Longest that the headers of a request may take to arrive, the first ones since the connection was opened. */
const HEADERS_TIMEOUT_MS = 10_000;

/** How often these two are looked at. */
const TIMEOUT_CHECK_MS = 1_000;

/** Longest without a byte in either direction: a caller that does not read its answer is disconnected. */
const INACTIVITY_TIMEOUT_MS = 60_000;

/** Longer than load balancers keep an idle connection, so that they close it and not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export interface HttpAppOptions {
  readonly logger: Logger;
  /** @default 1 MiB */
  readonly bodyLimitBytes?: number;
  /** Whether Nest parses JSON and form bodies; an app that does not registers its own parsers. @default true */
  readonly bodyParser?: boolean;
  /** Called with each request that has a body, before it is read and after it was authenticated. */
  readonly bodyCheck?: BodyCheck;
}

const DEFAULT_BODY_LIMIT_BYTES = 1_048_576;

/** A Nest app on Fastify that answers errors as problems and logs through `logger`. It does not listen yet. */
export async function createHttpApp(
  rootModule: Type<unknown> | DynamicModule,
  options: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const problems = new ProblemFilter(options.logger.child({ component: 'http' }));
  const bodyLimit = options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES;
  const adapter = new FastifyAdapter({
    bodyLimit,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: INACTIVITY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    clientErrorHandler: (error, socket) =>
      answerUnparsedRequest(error, socket, connections.isAnswered(socket)),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      problems.answer(error, request, reply),
  });
  const fastify = adapter.getInstance();
  const connections = new Connections(fastify.server);
  checkBeforeBody(fastify, bodyLimit, options.bodyCheck);
  const app = await NestFactory.create<NestFastifyApplication>(rootModule, adapter, {
    logger: new NestLogger(options.logger),
    bodyParser: options.bodyParser ?? true,
    // Errors at start are for the caller to report: Nest would end the process itself.
    abortOnError: false,
  });
  app.useGlobalFilters(problems);
  return app;
}
