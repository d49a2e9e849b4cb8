import type { EventRegistry } from '@hailstream/events';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { asyncApiDocument } from './asyncapi-document.js';
import { openApiDocument } from './openapi-document.js';

/** Injects the {@link EventRegistry}. */
export const EVENT_REGISTRY = Symbol('EventRegistry');

const JSON_TYPE = 'application/json; charset=utf-8';

@Controller()
export class ApiDocsController {
  private readonly openApi: string;
  private readonly asyncApi: string;

  constructor(@Inject(EVENT_REGISTRY) { families }: EventRegistry) {
    this.openApi = JSON.stringify(openApiDocument(families));
    this.asyncApi = JSON.stringify(asyncApiDocument(families));
  }

  @Get('openapi.json')
  @Header('content-type', JSON_TYPE)
  getOpenApi(): string {
    return this.openApi;
  }

  @Get('asyncapi.json')
  @Header('content-type', JSON_TYPE)
  getAsyncApi(): string {
    return this.asyncApi;
  }
}
