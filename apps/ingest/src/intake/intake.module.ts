import { Module, type DynamicModule } from '@nestjs/common';
import type { IngestConfig } from '../config.js';
import { IntakeController } from './intake.controller.js';
import { Intake } from './intake.service.js';
import { EVENT_LIMITS } from './intake.tokens.js';

/** Events over HTTP. */
@Module({})
export class IntakeModule {
  static forRoot(events: IngestConfig['events']): DynamicModule {
    return {
      module: IntakeModule,
      controllers: [IntakeController],
      providers: [{ provide: EVENT_LIMITS, useValue: events }, Intake],
    };
  }
}
