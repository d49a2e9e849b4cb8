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
import { TokenVerifier } from '@hailstream/service/tokens';
import { eventRegistry, type EventRegistry } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiDocsModule } from './api-docs/api-docs.module.js';
import { acceptJsonBodies, checkBodyHeaders } from './body/json-body.js';
import type { IngestConfig } from './config.js';
import { DirectPosts } from './events/direct-posts.js';
import { EventsModule } from './events/events.module.js';
import { IngestService } from './events/ingest.service.js';
import { isWorker, shareMetrics } from './workers/worker.js';

@Module({})
class IngestModule {
  static forRoot(config: IngestConfig, logger: Logger, registry: EventRegistry): DynamicModule {
    const { connection, topicPolicy, ...producer } = config.log;
    return {
      module: IngestModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(config.auth),
        HealthModule,
        isWorker ? MetricsModule.withText(shareMetrics) : MetricsModule,
        LogModule.forRoot({ connection, topicPolicy, topics: registry.topics, producer }),
        EventsModule.forRoot(registry.families, config.events),
        ApiDocsModule.forRoot(registry),
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
  const app = await createHttpApp(IngestModule.forRoot(config, logger, registry), {
    logger,
    auth: config.auth,
    bodyLimitBytes: config.http.bodyLimitBytes,
    bodyParser: false,
    bodyCheck: checkBodyHeaders,
    direct: direct.serve,
  });
  const { bodyLimitBytes } = config.http;
  const fastify = app.getHttpAdapter().getInstance();
  acceptJsonBodies(fastify, bodyLimitBytes);
  direct.start({
    server: fastify.server,
    verifier: app.get(TokenVerifier),
    ingest: app.get(IngestService, { strict: false }),
    problems: new ProblemFilter(logger.child({ component: 'http' })),
    metrics: app.get(HttpMetrics, { strict: false }),
    bodyLimitBytes,
  });
  return app;
}
