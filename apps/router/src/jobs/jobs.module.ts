import { Module, type DynamicModule } from '@nestjs/common';
import { JobMetrics } from './job-metrics.service.js';
import { JobsController } from './jobs.controller.js';
import { JOBS_OPTIONS, JobsService, type JobsOptions } from './jobs.service.js';

@Module({})
export class JobsModule {
  static forRoot(options: JobsOptions): DynamicModule {
    return {
      module: JobsModule,
      controllers: [JobsController],
      providers: [{ provide: JOBS_OPTIONS, useValue: options }, JobMetrics, JobsService],
    };
  }
}
