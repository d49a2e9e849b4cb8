import type { EventFamily } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import type { IngestConfig } from '../config.js';
import { AuditService } from '../audit/audit.service.js';
import { AcceptedPlaces } from '../dry-run/accepted-places.js';
import { createEventsController } from './events.controller.js';
import { EVENT_LIMITS, IngestService } from './ingest.service.js';

/** `POST` endpoints for events: two for each family, which write its events and which only validate them. */
@Module({})
export class EventsModule {
  static forRoot(families: readonly EventFamily[], limits: IngestConfig['events']): DynamicModule {
    return {
      module: EventsModule,
      controllers: families.flatMap((family) => [
        createEventsController(family, 'ingest'),
        createEventsController(family, 'validate'),
      ]),
      providers: [
        { provide: EVENT_LIMITS, useValue: limits },
        { provide: AcceptedPlaces, useFactory: () => new AcceptedPlaces() },
        AuditService,
        IngestService,
      ],
    };
  }
}
