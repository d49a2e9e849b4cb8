import type { EventRegistry } from '@hailstream/events';
import { Module, type DynamicModule } from '@nestjs/common';
import { ApiDocsController } from './api-docs.controller.js';
import { EVENT_REGISTRY } from './api-docs.tokens.js';

/** Machine-readable descriptions: `GET /openapi.json` of the endpoints. */
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
