import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { METRICS_TEXT } from './metrics.tokens.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly registry: Registry,
    @Inject(METRICS_TEXT) private readonly text: () => Promise<string>,
  ) {}

  @Get()
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    reply.type(this.registry.contentType);
    return this.text();
  }
}
