import { AuthModule, HealthModule, LoggingModule, LogModule, MetricsModule } from '@hailstream/nest';
import { eventRegistry } from '@hailstream/events';
import type { Logger } from '@hailstream/service/logging';
import { Module, type DynamicModule } from '@nestjs/common';
import type { RouterConfig } from './config.js';
import type { EncodingPool } from '@hailstream/parquet';
import { JobsModule } from './jobs/jobs.module.js';

/** The service: the jobs of the router file, and HTTP. */
@Module({})
export class RouterModule {
  static forRoot(config: RouterConfig, logger: Logger, encoding?: EncodingPool): DynamicModule {
    const { auth, connection, credentials, topicPolicy, jobs } = config;
    return {
      module: RouterModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(auth),
        HealthModule,
        MetricsModule,
        LogModule.forRoot({ connection, topicPolicy, topics: eventRegistry.topics }),
        JobsModule.forRoot({ connection, credentials, specs: jobs, ...(encoding && { encoding }) }),
      ],
    };
  }
}
