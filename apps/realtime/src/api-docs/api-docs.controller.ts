import { Controller, Get, Header } from '@nestjs/common';
import { asyncApiDocument } from './asyncapi-document.js';
import { openApiDocument } from './openapi-document.js';

/** `GET /openapi.json` describes the HTTP API, `GET /asyncapi.json` the live messages. They need no token. */
@Controller()
export class ApiDocsController {
  private openApi: string | undefined;
  private readonly asyncApi = JSON.stringify(asyncApiDocument());

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  getOpenApi(): string {
    this.openApi ??= JSON.stringify(openApiDocument());
    return this.openApi;
  }

  @Get('asyncapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  getAsyncApi(): string {
    return this.asyncApi;
  }
}
