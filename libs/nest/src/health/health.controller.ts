import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { HealthChecks, type Readiness } from './health-checks.service.js';

/** Health checks for orchestrators: `live` reports that the process responds, `ready` that its dependencies work. */
@Controller('health')
export class HealthController {
  constructor(private readonly healthChecks: HealthChecks) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.healthChecks.readiness();
    reply.status(readiness.status === 'ok' ? 200 : 503);
    return readiness;
  }
}
