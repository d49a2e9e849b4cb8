import type { Alert, AlertPage } from '@hailstream/events';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import { hasScope, type Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { withBadRequest } from '../query/bad-request.js';
import { parseAlertQuery } from './alert-query.js';
import { AcknowledgeError, AlertsService } from './alerts.service.js';

/** `GET /alerts`, and `POST /alerts/:id/acknowledge`. A token with a provider sees only the alerts of that provider. */
@Controller('alerts')
@RequireScope('read')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() principal: Principal, @Query() query: Record<string, unknown>): AlertPage {
    const filter = principal.providerId ?? null;
    const parsed = withBadRequest(() => parseAlertQuery(query, filter));
    return this.alerts.list(parsed, filter, hasScope(principal, 'acknowledge'));
  }

  @Post(':id/acknowledge')
  @HttpCode(200)
  @RequireScope('acknowledge')
  async acknowledge(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<Alert> {
    try {
      return await this.alerts.acknowledge(id, principal);
    } catch (error) {
      if (!(error instanceof AcknowledgeError)) throw error;
      const { message: detail } = error;
      if (error.code === 'NOT_FOUND') throw new ProblemError({ status: 404, title: 'Not Found', detail });
      const headers = { 'retry-after': '1' };
      throw new ProblemError(
        { status: 503, title: 'Service Unavailable', detail, headers },
        { cause: error },
      );
    }
  }
}
