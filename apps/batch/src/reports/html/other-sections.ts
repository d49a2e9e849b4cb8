import type { Report, ReportCell } from '@hailstream/events/reports';
import { cellMap, mapShades } from '../charts/cell-map.js';
import { shareBar, type Part } from '../charts/share-bar.js';
import { escapeText } from '../charts/svg.js';
import { formatCount, formatDuration, formatShare, formatVehicles } from '../formats.js';
import { chartHeading, emptyNote, heading, htmlTable, type Cell } from './parts.js';
import { outcomeNames, stateNames, verdictNames } from './words.js';

/** What became of the requested rides. */
export function outcomesSection({ outcomes, minCount }: Report): string {
  const top = heading(
    'What became of the requests',
    'Every requested ride is counted once, by what happened to it until now.',
  );
  const shown = outcomes.filter(({ rides }) => (rides ?? 0) > 0);
  if (shown.length === 0 && outcomes.every(({ suppressed }) => suppressed.length === 0))
    return `${top}${emptyNote('No ride was requested in this period.')}`;
  const parts = outcomes.map(({ outcome, rides }) => ({ name: outcomeNames[outcome], value: rides ?? 0 }));
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  const rows = outcomes.map(({ outcome, rides, suppressed }): Cell[] => [
    outcomeNames[outcome],
    suppressed.length > 0 || rides === null ? { isFew: true } : formatCount(rides),
    rides === null || total === 0 ? '–' : formatShare(rides / total),
  ]);
  return `${top}${partsFigure('What became of the requests', parts)}${htmlTable(['Outcome', 'Rides', 'Share of those shown'], rows, minCount)}`;
}

/** How vehicles spent their time. */
export function statesSection({ states, minCount, zone }: Report): string {
  const top = heading(
    'How vehicles spent their time',
    'Time of all vehicles in each state. A state lasts until the next event of the vehicle. A vehicle that goes silent keeps it for at most two hours.',
  );
  if (zone !== null)
    return `${top}${emptyNote('Not known for a zone: vehicles are not in one place. See the report without a zone.')}`;
  const parts = states.map(({ state, seconds }) => ({ name: stateNames[state], value: seconds }));
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  if (total === 0) return `${top}${emptyNote('No vehicle reported a state in this period.')}`;
  const rows = parts.map(({ name, value }) => [name, formatDuration(value), formatShare(value / total)]);
  return `${top}${partsFigure('How vehicles spent their time', parts)}${htmlTable(['State', 'Vehicle time', 'Share'], rows, minCount)}`;
}

function partsFigure(label: string, parts: readonly Part[]): string {
  const keys = parts.map(
    ({ name }, index) => `<span><span class="swatch part-${index}"></span>${escapeText(name)}</span>`,
  );
  return `<figure>${shareBar(label, parts, formatShare)}<p class="legend">${keys.join('')}</p></figure>`;
}

const MAPS = [
  ['requests', 'Demand', 'Rides requested from the cell.', formatCount],
  ['unmet', 'Unmet demand', 'Rides requested from the cell without a pick-up.', formatCount],
  [
    'availableVehicles',
    'Supply',
    'Mean number of available vehicles in the cell. A position counts until the next one of the vehicle, at most two minutes.',
    formatVehicles,
  ],
  ['positions', 'Positions', 'Positions of vehicles in the cell.', formatCount],
] as const satisfies readonly (readonly [keyof ReportCell, string, string, (value: number) => string])[];

/** Supply and demand per H3 cell, as maps. */
export function mapSection({ cells, cellResolution }: Report): string {
  const top = heading(
    'Supply and demand on the map',
    `H3 cells at resolution ${cellResolution}. Darker cells have more; each shade has about as many cells. North is up.`,
  );
  const maps = MAPS.flatMap(([name, title, definition, format]) => {
    const values = cells.map((cell) => ({
      cell: cell.cell,
      value: cell.suppressed.includes(name) ? null : cell[name],
    }));
    if (!values.some(({ value }) => value !== null && value > 0)) return [];
    const keys = mapShades(values, format).map(
      ({ shade, text }) => `<span><span class="swatch shade-${shade}"></span>${escapeText(text)}</span>`,
    );
    if (values.some(({ value }) => value === null))
      keys.push('<span><span class="swatch hidden"></span>suppressed, also outside of the map</span>');
    const label = `${title}. ${definition}`;
    return [
      `<div>${chartHeading(title, definition)}<figure>${cellMap(label, values, format)}<p class="legend">${keys.join('')}</p></figure></div>`,
    ];
  });
  return maps.length === 0
    ? `${top}${emptyNote('No position and no request is known in this period.')}`
    : `${top}<div class="maps">${maps.join('')}</div>`;
}

export function zonesSection({ zones, minCount }: Report): string {
  if (zones.length === 0) return '';
  const top = heading(
    'Zones',
    'Rides by the zone from which they were requested. A ride counts in every zone that contains it.',
  );
  const rows = zones.map(({ name, suppressed, ...zone }): Cell[] => {
    const cell = (key: keyof typeof zone, format: (value: number) => string): Cell => {
      if (suppressed.includes(key)) return { isFew: true };
      const value = zone[key];
      return typeof value === 'number' ? format(value) : '–';
    };
    return [
      name,
      cell('requests', formatCount),
      cell('completed', formatCount),
      cell('cancelled', formatCount),
      cell('medianWaitSeconds', formatDuration),
      cell('p90WaitSeconds', formatDuration),
    ];
  });
  const columns = ['Zone', 'Requests', 'Completed', 'Cancelled', 'Median wait', '90 % waited less than'];
  return `${top}${htmlTable(columns, rows, minCount)}`;
}

export function qualitySection({ quality, minCount, period }: Report): string {
  const top = heading(
    'Data quality',
    `What each provider sent with a time in the ${period.kind}. Silences: times of more than 15 minutes without a position of a vehicle that sent positions before and after. Late: positions received more than 10 minutes after their time. Rejected: records received in the ${period.kind} that could not be loaded; their provider is not known.`,
  );
  if (quality.length === 0) return `${top}${emptyNote('No provider sent anything in this period.')}`;
  const rows = quality.map((row) => [
    row.providerId ?? 'not known',
    formatCount(row.positions),
    formatCount(row.vehicleEvents),
    formatCount(row.riderEvents),
    formatCount(row.trips),
    formatCount(row.rejects),
    row.silences === 0 ? '0' : `${formatCount(row.silences)} (${formatDuration(row.silenceSeconds)})`,
    row.late === null ? '–' : formatCount(row.late),
  ]);
  const columns = [
    'Provider',
    'Positions',
    'Vehicle events',
    'Rider events',
    'Trips',
    'Rejected',
    'Silences',
    'Late',
  ];
  return `${top}${htmlTable(columns, rows, minCount)}`;
}

export function comparisonSection({ comparison, minCount }: Report): string {
  if (comparison === null) return '';
  const top = heading(
    'Reported trips against events',
    'Trips that the operator reported, compared with those rebuilt from the events of vehicles and riders.',
  );
  if (comparison.length === 0) return `${top}${emptyNote('No trip is known in this period.')}`;
  const rows = comparison.map(({ verdict, trips, suppressed }): Cell[] => [
    verdictNames.get(verdict) ?? verdict,
    suppressed.length > 0 || trips === null ? { isFew: true } : formatCount(trips),
  ]);
  return `${top}${htmlTable(['Result', 'Trips'], rows, minCount)}`;
}
