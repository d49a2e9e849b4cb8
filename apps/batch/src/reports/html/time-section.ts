import type { Report, ReportMeasures } from '@hailstream/events/reports';
import { chartLegend, timeChart, type ChartSeries } from '../charts/time-chart.js';
import { formatCount, formatDuration, formatMinutes, formatShare, formatVehicles } from '../formats.js';
import { asDetails, chartHeading, emptyNote, heading, htmlTable, type Cell } from './parts.js';
import { ReportTimes } from './words.js';

const MINUTE_SECONDS = 60;

type Row = ReportMeasures & { readonly label: string };

/** Demand, waits and vehicles over the intervals of the period, and over the hours of the day. */
export function timeSections(report: Report): string {
  const times = new ReportTimes(report);
  const { period, intervals, hours } = report;
  const isDay = period.kind === 'day';
  const rows = intervals.map((interval): Row => ({
    ...interval,
    label: isDay
      ? times.hour(interval.start)
      : period.kind === 'week'
        ? times.day(interval.start)
        : times.dayOfMonth(interval.start),
  }));
  const byHour = hours.map((hour): Row => ({ ...hour, label: `${String(hour.hour).padStart(2, '0')}:00` }));
  return [
    timeSection(isDay ? 'Hour by hour' : 'Day by day', rows, {
      report,
      unit: isDay ? 'hour' : 'day',
      before: report.previousIntervals.slice(0, rows.length),
    }),
    ...(isDay
      ? []
      : [timeSection('By hour of the day', byHour, { report, unit: 'hour of the day', before: [] })]),
  ].join('');
}

interface TimeSection {
  readonly report: Report;
  readonly unit: string;
  /** The same intervals of the period before. */
  readonly before: readonly ReportMeasures[];
}

function timeSection(title: string, rows: readonly Row[], { report, unit, before }: TimeSection): string {
  const { period, previous, minCount } = report;
  const top = heading(title, `Times are those of ${period.timeZone}. Counts are per ${unit}.`);
  const hasData = (name: keyof ReportMeasures): boolean =>
    rows.some((row) => (row[name] !== null && row[name] !== 0) || row.suppressed.includes(name));
  const earlier = (name: keyof ReportMeasures, scale = 1): ChartSeries[] =>
    seriesBefore(before, { name, scale, label: previous.name });
  const charts = [
    ...(hasData('requests') || hasData('trips') ? [demandChart(rows, unit, earlier('requests'))] : []),
    ...(hasData('medianWaitSeconds')
      ? [waitChart(rows, earlier('medianWaitSeconds', 1 / MINUTE_SECONDS))]
      : []),
    ...(hasData('workingVehicles')
      ? [vehiclesChart(rows, earlier('workingVehicles')), utilisationChart(rows, earlier('utilisationShare'))]
      : []),
    ...(hasData('positions') ? [positionsChart(rows, unit)] : []),
  ];
  if (charts.length === 0)
    return `${top}${emptyNote(`Nothing is known of the ${period.kind} ${period.name}.`)}`;
  return `${top}<div class="charts">${charts.join('')}</div>${asDetails('Table', measuresTable(rows, minCount))}`;
}

/** A measure in the period before; empty if nothing is known of it. */
function seriesBefore(
  before: readonly ReportMeasures[],
  {
    name,
    scale,
    label,
  }: { readonly name: keyof ReportMeasures; readonly scale: number; readonly label: string },
): ChartSeries[] {
  const values = before.map((measures) => {
    const value = measures[name];
    return typeof value === 'number' ? value * scale : null;
  });
  if (!values.some((value) => value !== null && value > 0)) return [];
  return [{ name: `before, ${label}`, kind: 'line', style: 'before', values }];
}

function demandChart(rows: readonly Row[], unit: string, before: readonly ChartSeries[]): string {
  const bars: ChartSeries = {
    name: 'Requests',
    kind: 'bars',
    style: 'first',
    values: rows.map(({ requests }) => requests),
    suppressed: indexesOf(rows, 'requests'),
  };
  const trips: ChartSeries = {
    name: 'Trips begun',
    kind: 'line',
    style: 'second',
    values: rows.map(({ trips: begun }) => begun),
  };
  return chart(
    'Requests and trips',
    `Bars: rides requested in the ${unit}. Dashed line: rides with a pick-up in it.`,
    [bars, trips, ...before],
    { rows, format: formatCount, atLeast: 4 },
  );
}

function waitChart(rows: readonly Row[], before: readonly ChartSeries[]): string {
  const series: readonly ChartSeries[] = [
    {
      name: 'Median',
      kind: 'line',
      style: 'first',
      values: rows.map((row) => minutes(row.medianWaitSeconds)),
    },
    {
      name: '90th percentile',
      kind: 'line',
      style: 'second',
      values: rows.map((row) => minutes(row.p90WaitSeconds)),
    },
    ...before.map((each) => ({ ...each, name: `Median ${each.name}` })),
  ];
  return chart(
    'Waits',
    'From the first request to the pick-up, by the time of the request. Riders who were not picked up have none.',
    series,
    { rows, format: formatMinutes, atLeast: 1 },
  );
}

function minutes(seconds: number | null): number | null {
  return seconds === null ? null : seconds / MINUTE_SECONDS;
}

function vehiclesChart(rows: readonly Row[], before: readonly ChartSeries[]): string {
  const values = rows.map(({ workingVehicles }) => workingVehicles);
  return chart(
    'Working vehicles',
    'Mean number of vehicles that were available, reserved, on a trip or stopped.',
    [{ name: 'Working vehicles', kind: 'bars', style: 'first', values }, ...before],
    { rows, format: formatVehicles, atLeast: 1 },
  );
}

function utilisationChart(rows: readonly Row[], before: readonly ChartSeries[]): string {
  const values = rows.map(({ utilisationShare }) => utilisationShare);
  return chart(
    'Utilisation',
    'Share of the working time that vehicles had a rider.',
    [{ name: 'Utilisation', kind: 'line', style: 'first', values }, ...before],
    { rows, format: formatShare, atLeast: 0.2 },
  );
}

function positionsChart(rows: readonly Row[], unit: string): string {
  const values = rows.map(({ positions }) => positions);
  return chart(
    'Positions',
    `Positions of vehicles with a time in the ${unit}: how much telemetry the other figures are based on.`,
    [{ name: 'Positions', kind: 'bars', style: 'first', values }],
    { rows, format: formatCount, atLeast: 4 },
  );
}

function chart(
  title: string,
  definition: string,
  series: readonly ChartSeries[],
  options: {
    readonly rows: readonly Row[];
    readonly format: (value: number) => string;
    readonly atLeast: number;
  },
): string {
  const { rows, format, atLeast } = options;
  const labels = rows.map(({ label }) => label);
  const drawing = timeChart({ label: `${title}. ${definition}`, labels, series, format, atLeast });
  return `<div>${chartHeading(title, definition)}<figure>${chartLegend(series)}${drawing}</figure></div>`;
}

function indexesOf(rows: readonly Row[], name: string): ReadonlySet<number> {
  return new Set(rows.flatMap(({ suppressed }, index) => (suppressed.includes(name) ? [index] : [])));
}

function measuresTable(rows: readonly Row[], minCount: number): string {
  const columns = [
    ['requests', 'Requests', formatCount],
    ['trips', 'Trips begun', formatCount],
    ['cancelled', 'Cancelled', formatCount],
    ['medianWaitSeconds', 'Median wait', formatDuration],
    ['p90WaitSeconds', '90 % waited less than', formatDuration],
    ['workingVehicles', 'Working vehicles', formatVehicles],
    ['utilisationShare', 'Utilisation', formatShare],
    ['positions', 'Positions', formatCount],
  ] as const;
  const cells = rows.map((row) => [
    row.label,
    ...columns.map(([name, , format]): Cell => {
      const value = row[name];
      if (row.suppressed.includes(name)) return { isFew: true };
      return value === null ? '–' : format(value);
    }),
  ]);
  return htmlTable(['Start', ...columns.map(([, title]) => title)], cells, minCount);
}
