import { Module } from '@nestjs/common';
import { ApiDocsController } from './api-docs.controller.js';

/** Describes the messages of this service. */
@Module({ controllers: [ApiDocsController] })
export class ApiDocsModule {}
