import { AuthModule, HealthModule, LoggingModule, MetricsModule } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Module, type DynamicModule } from '@nestjs/common';
import type { BatchConfig } from './config.js';
import { LoadModule } from './load/load.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { RunsModule } from './runs/runs.module.js';

/** The service: loads on a schedule, and HTTP. */
@Module({})
export class BatchModule {
  static forRoot(config: BatchConfig, logger: Logger): DynamicModule {
    return {
      module: BatchModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(config.auth),
        HealthModule,
        MetricsModule,
        LoadModule.forRoot(config.load),
        RunsModule.forRoot(config.schedule),
        ReportsModule,
      ],
    };
  }
}
