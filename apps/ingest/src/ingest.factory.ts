import { createHttpApp, type Logger } from '@hailstream/nest';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { IngestConfig } from './config.js';
import { IngestModule } from './ingest.module.js';
import { acceptJsonBodies } from './intake/json-body.js';

/** The whole app, not listening yet. */
export async function createIngest(config: IngestConfig, logger: Logger): Promise<NestFastifyApplication> {
  const app = await createHttpApp(IngestModule.forRoot(config, logger), {
    logger,
    bodyLimitBytes: config.http.bodyLimitBytes,
    bodyParser: false,
  });
  acceptJsonBodies(app.getHttpAdapter().getInstance());
  return app;
}
