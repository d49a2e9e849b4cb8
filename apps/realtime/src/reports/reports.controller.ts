import type { IncomingHttpHeaders } from 'node:http';
import type { Report } from '@hailstream/events/reports';
import { RequireScope } from '@hailstream/nest';
import { Controller, Get, Header, Headers, Query } from '@nestjs/common';
import { SessionsService } from '../sessions/sessions.service.js';
import { ReportsService } from './reports.service.js';

/** Parameters that are passed to batch. */
const PARAMETERS = ['day', 'week', 'month', 'time_zone', 'provider_id', 'zone'] as const;

/** `GET /reports?day=|week=|month=&time_zone=&provider_id=&zone=`: a report of batch, for the page. */
@Controller('reports')
@RequireScope('read')
export class ReportsController {
  constructor(
    private readonly reports: ReportsService,
    private readonly sessions: SessionsService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  async report(
    @Query() query: Record<string, unknown>,
    @Headers() headers: IncomingHttpHeaders,
  ): Promise<Report> {
    const passed = new URLSearchParams();
    for (const name of PARAMETERS) {
      const value = query[name];
      if (typeof value === 'string' && value !== '') passed.set(name, value);
    }
    const authorization = await this.sessions.authorizationFor(headers);
    return await this.reports.fetch(passed.toString(), authorization);
  }
}
