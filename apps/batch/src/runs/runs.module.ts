import { LOGGER, type Logger } from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import type { BatchConfig } from '../config.js';
import { Loads } from '../load/loads.js';
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
        { provide: LOADS, useFactory: (logger: Logger) => new Loads(load, logger), inject: [LOGGER] },
        { provide: SCHEDULE, useValue: schedule },
        RunMetrics,
        Runs,
      ],
    };
  }
}
