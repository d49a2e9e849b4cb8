import { Controller, Get, Inject, Optional, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { METRICS_TEXT } from './metrics.tokens.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly registry: Registry,
    @Optional() @Inject(METRICS_TEXT) private readonly text: (() => Promise<string>) | undefined,
  ) {}

  @Get()
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    reply.type(this.registry.contentType);
    return this.text === undefined ? this.registry.metrics() : this.text();
  }
}
