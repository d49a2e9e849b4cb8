import type { Report } from '@hailstream/events/reports';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { isUuid } from '@hailstream/service/uuid';
import { Controller, Get, Header, Inject, Query } from '@nestjs/common';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { givenPeriod, parsePeriod, ReportError } from './period.js';
import { readReport } from './report-reader.postgres.js';

/** Nothing is suppressed: a token with the scope `read` may see single trips, too. */
const MIN_COUNT = 1;
/** Reports that are read at the same time, so that loads keep connections of the pool. */
const MAX_CONCURRENT = 2;
const RETRY_AFTER_SECONDS = 5;

/**
 * `GET /reports?day=|week=|month=&time_zone=&provider_id=&zone=`. A token with a provider sees only reports of that provider.
 */
@Controller('reports')
@RequireScope('read')
export class ReportsController {
  private reading = 0;

  constructor(@Inject(POOL) private readonly pool: Pool) {}

  @Get()
  @Header('cache-control', 'no-store')
  async report(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
  ): Promise<Report> {
    if (this.reading >= MAX_CONCURRENT) {
      throw new ProblemError({
        status: 503,
        title: 'Service Unavailable',
        detail: `${MAX_CONCURRENT} reports are being read: try again later`,
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    }
    this.reading += 1;
    try {
      return await readReport(this.pool, requestOf(query, principal.providerId ?? null));
    } catch (error) {
      if (!(error instanceof ReportError)) throw error;
      throw new ProblemError({
        status: 400,
        title: 'Bad Request',
        detail: `${error.field}: ${error.message}`,
      });
    } finally {
      this.reading -= 1;
    }
  }
}

function requestOf(query: Readonly<Record<string, unknown>>, allowed: string | null) {
  const text = (field: string): string | undefined => {
    const value = query[field];
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') return value;
    throw new ReportError(field, 'expected one text');
  };
  const [day, week, month] = [text('day'), text('week'), text('month')];
  const { kind, name } = givenPeriod({
    ...(day !== undefined && { day }),
    ...(week !== undefined && { week }),
    ...(month !== undefined && { month }),
  });
  return {
    period: parsePeriod(kind, name, text('time_zone') ?? 'UTC'),
    providerId: providerOf(text('provider_id')?.toLowerCase(), allowed),
    zone: text('zone') ?? null,
    minCount: MIN_COUNT,
    nowMs: Date.now(),
  };
}

function providerOf(requested: string | undefined, allowed: string | null): string | null {
  if (requested === undefined) return allowed;
  if (!isUuid(requested)) throw new ReportError('provider_id', `expected a UUID, got "${requested}"`);
  if (allowed === null || allowed === requested) return requested;
  throw new ReportError('provider_id', `the token is limited to the provider ${allowed}`);
}
