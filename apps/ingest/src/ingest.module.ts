import { AuthModule, HealthModule, LoggingModule, MetricsModule, type Logger } from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import type { IngestConfig } from './config.js';
import { EventLogModule } from './event-log/event-log.module.js';
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
        IntakeModule,
        OpenApiModule,
      ],
    };
  }
}
