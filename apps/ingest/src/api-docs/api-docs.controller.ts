import type { EventRegistry } from '@hailstream/events';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { EVENT_REGISTRY } from './api-docs.tokens.js';
import { openApiDocument } from './openapi-document.js';

const JSON_TYPE = 'application/json; charset=utf-8';

@Controller()
export class ApiDocsController {
  private readonly openApi: string;

  constructor(@Inject(EVENT_REGISTRY) registry: EventRegistry) {
    this.openApi = JSON.stringify(openApiDocument(registry.families));
  }

  @Get('openapi.json')
  @Header('content-type', JSON_TYPE)
  getOpenApi(): string {
    return this.openApi;
  }
}
