import type { Report, ReportPeriod } from '@hailstream/events/reports';
import type pg from 'pg';
import { begin, withConnection, type Pool } from '../database/pool.postgres.js';
import { compileReport, type PeriodFigures } from './compile-report.js';
import { previousPeriod } from './period.js';
import { PeriodQuery } from './report-query.postgres.js';
import { findZone, type ReportArea } from './zones.js';
import { loadedZones } from './zones.postgres.js';

export interface ReportRequest {
  readonly period: ReportPeriod;
  readonly providerId: string | null;
  /** Id or name of the zone that the report is limited to. */
  readonly zone: string | null;
  /** Zones of a file. @default those that were loaded into the database */
  readonly areas?: readonly ReportArea[];
  readonly minCount: number;
  readonly nowMs: number;
}

/**
 * Reads a report, as of one moment.
 *
 * @throws ReportError if the zone does not exist
 */
export async function readReport(pool: Pool, request: ReportRequest): Promise<Report> {
  return withConnection(pool, async (client) => {
    await begin(client);
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const report = await reportWith(client, request);
    await client.query('COMMIT');
    return report;
  });
}

async function reportWith(client: pg.ClientBase, request: ReportRequest): Promise<Report> {
  const { period, providerId, minCount, nowMs } = request;
  const areas = request.areas ?? (await loadedZones(client));
  const area = request.zone === null ? null : findZone(areas, request.zone);
  const filter = { providerId, area };
  const earlier = previousPeriod(period);
  const query = new PeriodQuery(client, period, filter);
  const before = new PeriodQuery(client, earlier, filter);
  const hasZones = area === null && areas.length > 0;
  const figures = {
    period,
    previousPeriod: earlier,
    current: await periodFigures(query),
    previous: await periodFigures(before),
    intervals: await query.series('interval'),
    previousIntervals: await before.series('interval'),
    hours: period.kind === 'day' ? undefined : await query.series('hour'),
    cells: await query.cells(),
    zones: hasZones ? await query.zones(areas) : [],
    previousZones: hasZones ? await before.zones(areas) : [],
    pickUps: hasZones ? await query.zonePickUps(areas) : new Map<string, number>(),
    previousPickUps: hasZones ? await before.zonePickUps(areas) : new Map<string, number>(),
    areas: area === null ? areas : [area],
    quality: await query.quality(),
    rejects: providerId === null ? await query.rejects() : 0,
    comparison: await query.comparison(),
  };
  return compileReport(figures, { providerId, zone: area?.name ?? null, minCount, nowMs });
}

async function periodFigures(query: PeriodQuery): Promise<PeriodFigures> {
  return {
    totals: await query.totals(),
    vehicles: await query.vehicleTime(),
    earnings: await query.earnings(),
  };
}
