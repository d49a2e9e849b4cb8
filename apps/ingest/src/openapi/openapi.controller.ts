import { Controller, Get, Header } from '@nestjs/common';
import { openApiDocument } from './openapi-document.js';

@Controller('openapi.json')
export class OpenApiController {
  private readonly text = JSON.stringify(openApiDocument());

  @Get()
  @Header('content-type', 'application/json; charset=utf-8')
  document(): string {
    return this.text;
  }
}
