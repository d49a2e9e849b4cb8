import {
  AuthModule,
  createHttpApp,
  HealthModule,
  HttpMetrics,
  LoggingModule,
  LogModule,
  MetricsModule,
  ProblemFilter,
} from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { TokenVerifier } from '@hailstream/service/tokens';
import { eventRegistry, type EventRegistry } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Admission, type Refusal } from './admission/admission.js';
import { AdmissionModule } from './admission/admission.module.js';
import { AdmittedRequests } from './admission/admitted-requests.js';
import { ApiDocsModule } from './api-docs/api-docs.module.js';
import { acceptJsonBodies, checkBodyHeaders } from './body/json-body.js';
import type { IngestConfig } from './config.js';
import { DirectPosts } from './events/direct-posts.js';
import { EventsModule } from './events/events.module.js';
import { IngestService } from './events/ingest.service.js';
import { isWorker, shareMetrics } from './workers/worker.js';

interface IngestParts {
  readonly logger: Logger;
  readonly registry: EventRegistry;
  readonly requests: AdmittedRequests;
}

@Module({})
class IngestModule {
  static forRoot(config: IngestConfig, { logger, registry, requests }: IngestParts): DynamicModule {
    const { connection, topicPolicy, ...producer } = config.log;
    return {
      module: IngestModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(config.auth),
        HealthModule,
        AdmissionModule.forRoot(requests),
        isWorker ? MetricsModule.withText(shareMetrics) : MetricsModule,
        LogModule.forRoot({ connection, topicPolicy, topics: registry.topics, producer }),
        EventsModule.forRoot(registry.families, config.events),
        ApiDocsModule.forRoot(registry, config.events),
      ],
    };
  }
}

/** Creates the app, which does not listen yet. */
export async function createIngest(
  config: IngestConfig,
  logger: Logger,
  registry: EventRegistry = eventRegistry,
): Promise<NestFastifyApplication> {
  const direct = new DirectPosts(registry.families);
  const { bodyLimitBytes, connections } = config.http;
  const admission = new Admission(config.admission, logRefusals(logger));
  const requests = new AdmittedRequests(admission, bodyLimitBytes);
  const app = await createHttpApp(IngestModule.forRoot(config, { logger, registry, requests }), {
    logger,
    auth: config.auth,
    bodyLimitBytes,
    bodyParser: false,
    bodyCheck: (request, reply) => {
      checkBodyHeaders(request);
      requests.admit(request, reply);
    },
    direct: direct.serve,
    connectionLimits: connections,
  });
  const fastify = app.getHttpAdapter().getInstance();
  acceptJsonBodies(fastify, {
    bodyLimitBytes,
    inTurn: (request, parsing) => requests.run(request, parsing),
  });
  direct.start({
    server: fastify.server,
    verifier: app.get(TokenVerifier),
    ingest: app.get(IngestService, { strict: false }),
    problems: new ProblemFilter(logger.child({ component: 'http' })),
    metrics: app.get(HttpMetrics, { strict: false }),
    admission,
    bodyLimitBytes,
  });
  return app;
}

function logRefusals(logger: Logger): (reason: Refusal, providerId: string | undefined) => void {
  const limited = new RateLimitedLogger(logger.child({ component: 'admission' }));
  return (reason, providerId) => limited.warn({ reason, providerId }, 'requests refused');
}
