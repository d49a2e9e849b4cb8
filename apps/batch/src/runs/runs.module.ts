import { Module, type DynamicModule } from '@nestjs/common';
import type { Schedule } from '../schedule/schedule.js';
import { RunMetrics } from './run-metrics.service.js';
import { RunsController } from './runs.controller.js';
import { RunsService, SCHEDULE } from './runs.service.js';

/** Loads on a schedule, with their history and metrics. */
@Module({})
export class RunsModule {
  static forRoot(schedule: Schedule): DynamicModule {
    return {
      module: RunsModule,
      controllers: [RunsController],
      providers: [{ provide: SCHEDULE, useValue: schedule }, RunMetrics, RunsService],
    };
  }
}
