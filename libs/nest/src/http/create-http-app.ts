import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AuthOptions } from '@hailstream/service/tokens';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { checkBeforeBody, type BodyCheck } from './before-body.js';
import { boundBodies } from './bounded-bodies.js';
import type { ConnectionLimits } from './connection-limits.js';
import { Connections } from './connections.js';
import { refuseForeignHosts, refuseOtherOrigins } from './foreign-requests.js';
import { NestLogger } from '../logging/nest-logger.js';
import { ProblemFilter } from './problem.filter.js';
import { setSecurityHeaders } from './security-headers.js';
import { answerUnparsedRequest } from './unparsed-request.js';

/** Time limit for receiving a request, so that a stalled sender cannot occupy a connection. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Time limit for receiving the headers of a request; for the first request, from the opening of the connection. */
const HEADERS_TIMEOUT_MS = 10_000;

/** How often these two limits are checked. */
const TIMEOUT_CHECK_MS = 1_000;

/** Connections without traffic in either direction are closed, also if the client does not read its response. */
const INACTIVITY_TIMEOUT_MS = 60_000;

/** Longer than the idle timeout of load balancers, so that they close idle connections and not the server. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

interface HttpAppOptions {
  readonly logger: Logger;
  /** How callers are authenticated. If they are not, only requests to loopback hosts are served. */
  readonly auth: Pick<AuthOptions, 'kind' | 'failures'>;
  /**
   * Origins of other sites whose pages may request changes. Without the option, pages of all sites may if callers are
   * authenticated, and none if not.
   */
  readonly allowedOrigins?: readonly string[];
  /** @default 1 MiB */
  readonly bodyLimitBytes?: number;
  /** Whether Nest parses JSON and form bodies. If not, the app registers its own parsers. @default true */
  readonly bodyParser?: boolean;
  /**
   * Called for each request with a body, after it was authenticated and before the body is read.
   *
   * @default bounds the bodies of an address, and all
   */
  readonly bodyCheck?: BodyCheck;
  /** Serves some requests without Fastify and Nest. Called first for each request that is complete up to its body. */
  readonly direct?: DirectHandler;
  /** @default DEFAULT_CONNECTION_LIMITS */
  readonly connectionLimits?: ConnectionLimits;
}

/** Returns whether it serves a request, with {@link RAW_SECURITY_HEADERS}. If not, it must not have read or changed anything. */
export type DirectHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

const DEFAULT_BODY_LIMIT_BYTES = 1_048_576;

const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = { total: 20_000, perAddress: 10_000 };

/** Creates a Nest app on Fastify that returns errors as problem+json and logs to `logger`. It does not listen yet. */
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
  if (options.direct !== undefined) interceptRequests(fastify.server, options.direct);
  else fastify.server.prependListener('request', (_request, response) => setSecurityHeaders(response));
  const { auth, connectionLimits: limits = DEFAULT_CONNECTION_LIMITS } = options;
  const connections = new Connections(fastify.server, { limits });
  const isOpen = auth.kind === 'open';
  if (isOpen) refuseForeignHosts(fastify.server);
  if (isOpen || options.allowedOrigins) refuseOtherOrigins(fastify, options.allowedOrigins ?? []);
  const check = options.bodyCheck ?? boundBodies(bodyLimit, auth.failures?.trustedProxies);
  checkBeforeBody(fastify, bodyLimit, check);
  const app = await NestFactory.create<NestFastifyApplication>(rootModule, adapter, {
    logger: new NestLogger(options.logger),
    bodyParser: options.bodyParser ?? true,
    // The caller reports errors at start; by default, Nest exits the process.
    abortOnError: false,
  });
  app.useGlobalFilters(problems);
  return app;
}

function interceptRequests(server: Server, serve: DirectHandler): void {
  const listeners = server.listeners('request') as ((
    ...exchange: [IncomingMessage, ServerResponse]
  ) => void)[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (serve(request, response)) return;
    setSecurityHeaders(response);
    for (const listener of listeners) listener.call(server, request, response);
  });
}
