import {
  AuthModule,
  createHttpApp,
  HealthModule,
  LoggingModule,
  MetricsModule,
  type Logger,
} from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { IngestConfig } from './config.js';
import { EventLogModule } from './event-log/event-log.module.js';
import { acceptJsonBodies, checkBodyHeaders } from './intake/json-body.js';
import { IntakeModule } from './intake/intake.module.js';
import { OpenApiModule } from './openapi/openapi.module.js';

@Module({})
export class IngestModule {
  static forRoot(config: IngestConfig, logger: Logger): DynamicModule {
    return {
      module: IngestModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(config.auth),
        HealthModule,
        MetricsModule,
        EventLogModule.forRoot(config.log),
        IntakeModule.forRoot(config.events),
        OpenApiModule,
      ],
    };
  }
}

/** The whole app, not listening yet. */
export async function createIngest(config: IngestConfig, logger: Logger): Promise<NestFastifyApplication> {
  const app = await createHttpApp(IngestModule.forRoot(config, logger), {
    logger,
    bodyLimitBytes: config.http.bodyLimitBytes,
    bodyParser: false,
    bodyCheck: checkBodyHeaders,
  });
  acceptJsonBodies(app.getHttpAdapter().getInstance(), config.http.bodyLimitBytes);
  return app;
}
