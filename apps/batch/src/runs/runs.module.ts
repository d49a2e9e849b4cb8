import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Module, type DynamicModule } from '@nestjs/common';
import type { BatchConfig } from '../config.js';
import { LoadRunner } from '../load/load-runner.js';
import { RunMetrics } from './run-metrics.service.js';
import { RunsController } from './runs.controller.js';
import { Runs } from './runs.service.js';
import { LOADS, SCHEDULE } from './runs.tokens.js';

@Module({})
export class RunsModule {
  static forRoot({ load, schedule }: BatchConfig): DynamicModule {
    return {
      module: RunsModule,
      controllers: [RunsController],
      providers: [
        { provide: LOADS, useFactory: (logger: Logger) => new LoadRunner(load, logger), inject: [LOGGER] },
        { provide: SCHEDULE, useValue: schedule },
        RunMetrics,
        Runs,
      ],
    };
  }
}
