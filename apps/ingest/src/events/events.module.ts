import type { EventFamily } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import type { IngestConfig } from '../config.js';
import { createEventsController } from './events.controller.js';
import { EVENT_LIMITS, IngestService } from './ingest.service.js';

/** `POST` endpoints for events, one for each family. */
@Module({})
export class EventsModule {
  static forRoot(families: readonly EventFamily[], limits: IngestConfig['events']): DynamicModule {
    return {
      module: EventsModule,
      controllers: families.map((family) => createEventsController(family)),
      providers: [{ provide: EVENT_LIMITS, useValue: limits }, IngestService],
    };
  }
}
