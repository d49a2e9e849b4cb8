import { Controller, Get, Header } from '@nestjs/common';
import { asyncApiDocument } from './asyncapi-document.js';

/** `GET /asyncapi.json` describes the live messages. It needs no token. */
@Controller()
export class ApiDocsController {
  private readonly asyncApi = JSON.stringify(asyncApiDocument());

  @Get('asyncapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  getAsyncApi(): string {
    return this.asyncApi;
  }
}
