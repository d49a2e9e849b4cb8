import type { EventRegistry } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import { ApiDocsController, EVENT_REGISTRY } from './api-docs.controller.js';

/** `GET /openapi.json` describes the endpoints, `GET /asyncapi.json` the topics. */
@Module({})
export class ApiDocsModule {
  static forRoot(registry: EventRegistry): DynamicModule {
    return {
      module: ApiDocsModule,
      controllers: [ApiDocsController],
      providers: [{ provide: EVENT_REGISTRY, useValue: registry }],
    };
  }
}
