import type { Report, ReportCell, ReportZone } from '@hailstream/events/reports';
import { cellToBoundary, cellToParent } from 'h3-js';
import type { CellFigures, ZoneFigures } from './report-query.postgres.js';
import { suppressRows } from './suppress.js';
import type { ReportArea } from './zones.js';

const HOUR_SECONDS = 3_600;
/** Resolution of the cells in the tables, and the finest and coarsest of reports. */
const STORED_RESOLUTION = 9;
const FINEST_RESOLUTION = 8;
const COARSEST_RESOLUTION = 5;
/** Cells of a report. If there are more, they are combined to larger ones. */
const MAX_CELLS = 1_500;

/** What was read of cells and zones. */
export interface PlaceFigures {
  readonly cells: readonly CellFigures[];
  readonly zones: readonly ZoneFigures[];
  readonly previousZones: readonly ZoneFigures[];
  /** By zone. */
  readonly pickUps: ReadonlyMap<string, number>;
  readonly previousPickUps: ReadonlyMap<string, number>;
  readonly areas: readonly ReportArea[];
}

/** The cells of a report, as fine as their number allows. */
export function reportCells(
  stored: readonly CellFigures[],
  minCount: number,
): { resolution: number; cells: ReportCell[] } {
  let resolution = FINEST_RESOLUTION;
  let combined = combineCells(stored, resolution);
  while (combined.length > MAX_CELLS && resolution > COARSEST_RESOLUTION) {
    resolution -= 1;
    combined = combineCells(stored, resolution);
  }
  const rows = combined.map(
    ({ cell, requests, unmet, visits, available_seconds: available, pick_ups: pickUps, positions }) => ({
      cell,
      requests,
      unmet,
      pickUps,
      availableHours: available / HOUR_SECONDS,
      visits,
      positions,
    }),
  );
  const dependents = {
    requests: ['unmet'],
    unmet: [],
    visits: ['availableHours'],
    pickUps: [],
    positions: [],
  } as const;
  const cells = suppressRows(rows, dependents, minCount).map(({ visits: _, suppressed, ...cell }) => ({
    ...cell,
    suppressed: suppressed.filter((name) => name !== 'visits'),
  }));
  return { resolution, cells };
}

function combineCells(stored: readonly CellFigures[], resolution: number): CellFigures[] {
  const combined = new Map<string, CellFigures>();
  for (const { cell: child, ...figures } of stored) {
    const cell = resolution === STORED_RESOLUTION ? child : cellToParent(child, resolution);
    const known = combined.get(cell);
    combined.set(cell, {
      cell,
      requests: (known?.requests ?? 0) + figures.requests,
      unmet: (known?.unmet ?? 0) + figures.unmet,
      visits: (known?.visits ?? 0) + figures.visits,
      available_seconds: (known?.available_seconds ?? 0) + figures.available_seconds,
      pick_ups: (known?.pick_ups ?? 0) + figures.pick_ups,
      positions: (known?.positions ?? 0) + figures.positions,
    });
  }
  return [...combined.values()];
}

/** The corners of a cell, to about a metre. */
function cornersOf(cell: string): number[] {
  return cellToBoundary(cell).flatMap(([lat, lng]) =>
    [lng, lat].map((degrees) => Math.round(degrees * 1e5) / 1e5),
  );
}

/** Zones in which rides were requested or vehicles picked up riders, in the period or the one before. */
export function reportZones(
  { zones, previousZones, pickUps, previousPickUps, areas }: PlaceFigures,
  minCount: number,
): ReportZone[] {
  const [now, before] = [zones, previousZones].map((each) => new Map(each.map((zone) => [zone.id, zone])));
  const known = areas.filter(({ id }) =>
    [now!, before!, pickUps, previousPickUps].some((each) => each.has(id)),
  );
  const rows = known.map(({ id, name }) => {
    const [zone, earlier] = [now!.get(id), before!.get(id)];
    return {
      id,
      name,
      requests: zone?.requests ?? 0,
      completed: zone?.completed ?? 0,
      cancelled: zone?.cancelled ?? 0,
      unmet: zone?.unmet ?? 0,
      waits: zone?.waits ?? 0,
      medianWaitSeconds: zone?.median_wait ?? null,
      p90WaitSeconds: zone?.p90_wait ?? null,
      pickUps: pickUps.get(id) ?? 0,
      previousRequests: earlier?.requests ?? 0,
      previousPickUps: previousPickUps.get(id) ?? 0,
      previousWaits: earlier?.waits ?? 0,
      previousMedianWaitSeconds: earlier?.median_wait ?? null,
    };
  });
  const dependents = {
    requests: ['completed', 'cancelled', 'unmet', 'medianWaitSeconds', 'p90WaitSeconds'],
    // Most rides end in one of the two ways: one of them and the requests would reveal the other.
    completed: ['cancelled', 'unmet'],
    cancelled: ['completed', 'unmet'],
    unmet: ['completed', 'cancelled'],
    waits: ['medianWaitSeconds', 'p90WaitSeconds'],
    pickUps: [],
    previousRequests: ['previousMedianWaitSeconds'],
    previousPickUps: [],
    previousWaits: ['previousMedianWaitSeconds'],
  } as const;
  return suppressRows(rows, dependents, minCount).map(
    ({ waits: _, previousWaits: __, suppressed, ...zone }) => ({
      ...zone,
      suppressed: suppressed.filter((name) => name !== 'waits' && name !== 'previousWaits'),
    }),
  );
}

/** What maps of the cells and zones are drawn from. */
export function outlinesOf(cells: readonly ReportCell[], areas: readonly ReportArea[]): Report['outlines'] {
  return {
    cells: cells.map(({ cell }) => cornersOf(cell)),
    zones: areas.map(({ id, name, rings }) => ({ id, name, rings })),
  };
}
