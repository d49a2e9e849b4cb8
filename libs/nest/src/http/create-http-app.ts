import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { NestLogger } from '../logging/nest-logger.js';
import { ProblemFilter } from './problem.filter.js';
import { answerUnparsedRequest } from './unparsed-request.js';

/** Longest that a request may take to arrive: a sender that stalls must not hold a connection. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Longer than load balancers keep an idle connection, so that they close it and not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export interface HttpAppOptions {
  readonly logger: Logger;
  /** @default 1 MiB */
  readonly bodyLimitBytes?: number;
  /** Whether Nest parses JSON and form bodies; an app that does not registers its own parsers. @default true */
  readonly bodyParser?: boolean;
}

/** A Nest app on Fastify that answers errors as problems and logs through `logger`. It does not listen yet. */
export async function createHttpApp(
  rootModule: Type<unknown> | DynamicModule,
  options: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const problems = new ProblemFilter(options.logger.child({ component: 'http' }));
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    clientErrorHandler: answerUnparsedRequest,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      problems.answer(error, request, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(rootModule, adapter, {
    logger: new NestLogger(options.logger),
    bodyParser: options.bodyParser ?? true,
    // Errors at start are for the caller to report: Nest would end the process itself.
    abortOnError: false,
  });
  app.useGlobalFilters(problems);
  return app;
}
