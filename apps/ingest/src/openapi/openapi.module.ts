import { Module } from '@nestjs/common';
import { OpenApiController } from './openapi.controller.js';

/** What this service takes, for machines: `GET /openapi.json`. */
@Module({ controllers: [OpenApiController] })
export class OpenApiModule {}
