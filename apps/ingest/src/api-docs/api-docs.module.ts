import type { EventRegistry, EventTimeLimits } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import { ApiDocsController, DOCUMENTED_LIMITS, EVENT_REGISTRY } from './api-docs.controller.js';

/** `GET /openapi.json` describes the endpoints, `GET /asyncapi.json` the topics. */
@Module({})
export class ApiDocsModule {
  static forRoot(registry: EventRegistry, limits: Omit<EventTimeLimits, 'receivedAtMs'>): DynamicModule {
    return {
      module: ApiDocsModule,
      controllers: [ApiDocsController],
      providers: [
        { provide: EVENT_REGISTRY, useValue: registry },
        { provide: DOCUMENTED_LIMITS, useValue: limits },
      ],
    };
  }
}
