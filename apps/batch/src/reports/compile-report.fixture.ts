import { latLngToCell } from 'h3-js';
import type { PeriodFigures, ReportFigures } from './compile-report.js';
import { parsePeriod, previousPeriod } from './period.js';
import type { PeriodTotals, RideFigures, VehicleTime } from './report-query.postgres.js';

const totals: PeriodTotals = {
  requests: 113,
  completed: 100,
  cancelled_by_rider: 8,
  cancelled_by_driver: 3,
  cancelled_by_provider: 0,
  on_trip: 0,
  open: 2,
  waits: 102,
  median_wait: 180,
  p90_wait: 400,
  durations: 100,
  median_ride: 900,
  trips: 101,
};

const vehicles: VehicleTime = {
  available: 36_000,
  reserved: 7_200,
  on_trip: 27_000,
  stopped: 1_800,
  off: 0,
  hours: 4,
};

const rides: RideFigures = { requests: 50, cancelled: 6, waits: 44, median_wait: 170, p90_wait: 380 };

const cells: ReportFigures['cells'] = [
  {
    cell: latLngToCell(43.73, 7.42, 9),
    requests: 60,
    unmet: 7,
    visits: 90,
    available_seconds: 81_000,
    pick_ups: 60,
    positions: 700,
  },
  {
    cell: latLngToCell(43.75, 7.45, 9),
    requests: 50,
    unmet: 6,
    visits: 9,
    available_seconds: 8_100,
    pick_ups: 50,
    positions: 70,
  },
  {
    cell: latLngToCell(43.77, 7.48, 9),
    requests: 3,
    unmet: 1,
    visits: 1,
    available_seconds: 900,
    pick_ups: 3,
    positions: 7,
  },
];

/** Figures of a day, without suppression. */
export function makeFigures(given: Partial<ReportFigures> = {}): ReportFigures {
  const period = parsePeriod('day', '2026-03-01', 'UTC');
  const at = (hour: number): number => Date.parse(period.from) + hour * 3_600_000;
  const current: PeriodFigures = {
    totals,
    vehicles,
    earnings: { currency: 'EUR', trips: 80, total: 43_000 },
  };
  return {
    period,
    previousPeriod: previousPeriod(period),
    current,
    previous: { totals: { ...totals, requests: 100, completed: 90 }, vehicles, earnings: undefined },
    intervals: {
      rides: new Map([
        [at(8), rides],
        [at(9), { ...rides, requests: 60, waits: 56 }],
        [at(10), { ...rides, requests: 3, cancelled: 0, waits: 2 }],
      ]),
      trips: new Map([[at(8), { trips: 101 }]]),
      vehicles: new Map([[at(8), { ...vehicles, hours: 1 }]]),
      positions: new Map([[at(8), { positions: 12_345 }]]),
    },
    previousIntervals: noSeries(),
    hours: undefined,
    cells,
    zones: [],
    previousZones: [],
    pickUps: new Map(),
    previousPickUps: new Map(),
    areas: [],
    quality: [
      {
        provider_id: 'f7b2c3d4-0000-4000-8000-000000000001',
        positions: 777,
        vehicle_events: 500,
        rider_events: 120,
        trips: 100,
        duplicates: 9,
        late: 0,
        received: 0,
        silences: 1,
        silence_seconds: 1_200,
      },
    ],
    rejects: 2,
    comparison: null,
    ...given,
  };
}

/** Figures of a day of which nothing is known. */
export function noFigures(): ReportFigures {
  const none: PeriodFigures = {
    totals: Object.fromEntries(
      Object.keys(totals).map((name) => [name, /^(median|p90)/.test(name) ? null : 0]),
    ) as unknown as PeriodTotals,
    vehicles: undefined,
    earnings: undefined,
  };
  return makeFigures({
    current: none,
    previous: none,
    intervals: noSeries(),
    cells: [],
    quality: [],
    rejects: 0,
  });
}

function noSeries(): ReportFigures['intervals'] {
  return { rides: new Map(), trips: new Map(), vehicles: new Map(), positions: new Map() };
}
