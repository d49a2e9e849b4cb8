import { Global, Module } from '@nestjs/common';
import { HealthChecks } from './health-checks.service.js';
import { HealthController } from './health.controller.js';

/** `GET /health/live` and `GET /health/ready`. Readiness checks are registered with {@link HealthChecks}. */
@Global()
@Module({ controllers: [HealthController], providers: [HealthChecks], exports: [HealthChecks] })
export class HealthModule {}
