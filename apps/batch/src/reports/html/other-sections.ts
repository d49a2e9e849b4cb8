import type { Report } from '@hailstream/events/reports';
import { shareBar, type Part } from '../charts/share-bar.js';
import { escapeText } from '../charts/svg.js';
import { formatCount, formatDuration, formatShare } from '../formats.js';
import { emptyNote, heading, htmlTable, type Cell } from './parts.js';
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

export function qualitySection({ quality, minCount, period }: Report): string {
  const top = heading(
    'Data quality',
    `What each provider sent with a time in the ${period.kind}. Silences: times of more than 15 minutes without a position of a vehicle that sent positions before and after. Late: positions received more than 10 minutes after their time. Rejected: records received in the ${period.kind} that could not be loaded; their provider is not known. Repeated: records whose event had been loaded before; they are not stored.`,
  );
  if (quality.length === 0) return `${top}${emptyNote('No provider sent anything in this period.')}`;
  const rows = quality.map((row) => [
    row.providerId ?? 'not known',
    formatCount(row.positions),
    formatCount(row.vehicleEvents),
    formatCount(row.riderEvents),
    formatCount(row.trips),
    formatCount(row.rejects),
    formatCount(row.duplicates),
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
    'Repeated',
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
