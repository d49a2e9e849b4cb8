import type { ReportedField, TripPage } from '@hailstream/events/live';
import { formatClock, formatDistance, formatDuration, formatPlace, shortId, UNKNOWN } from '../format.js';
import { verdictWords } from './words.js';

/** The operator's report next to what the events say. */
export function TripReport({ trip }: { trip: TripPage }) {
  const { report, verdict, fields, report_count: count, distance_problem: problem } = trip;
  return (
    <section className="page-section" aria-label="The operator's report" data-testid="trip-report">
      <h3>The operator’s report</h3>
      <p className="report-verdict" data-verdict={verdict}>
        {verdictWords(verdict)}
      </p>
      {report !== null && (
        <div className="report-scroll" tabIndex={0} role="region" aria-label="Reported and observed">
          <table className="report">
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Reported</th>
                <th scope="col">Events</th>
                <th scope="col">Difference</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((field) => (
                <tr key={field.field} data-differs={field.differs}>
                  <th scope="row">{labels[field.field]}</th>
                  <td>{valueWords(field.field, field.reported)}</td>
                  <td>{valueWords(field.field, field.observed)}</td>
                  <td>{differenceWords(field)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {problem !== null && <p className="page-none">The distance is not compared: {problem}.</p>}
      {count > 1 && (
        <p className="page-none">{count} different reports were received; this is the last one.</p>
      )}
      {typeof report?.actual_cost === 'number' && typeof report.currency === 'string' && (
        <p className="page-none">Fare {formatMoney(report.actual_cost, report.currency)}</p>
      )}
    </section>
  );
}

const labels: Readonly<Record<ReportedField['field'], string>> = {
  vehicle: 'Vehicle',
  requested_time: 'Requested',
  start_time: 'Start',
  end_time: 'End',
  duration: 'Duration',
  distance: 'Distance',
  start_location: 'From',
  end_location: 'To',
};

function valueWords(field: ReportedField['field'], value: ReportedField['reported']): string {
  if (value === null) return UNKNOWN;
  if (typeof value === 'string') return shortId(value);
  if (typeof value === 'object') return formatPlace(value);
  if (field === 'duration') return formatDuration(value * 1_000);
  return field === 'distance' ? formatDistance(value) : formatClock(value);
}

function differenceWords({ field, difference, differs }: ReportedField): string {
  if (field === 'vehicle') return differs ? 'another vehicle' : UNKNOWN;
  if (difference === null) return UNKNOWN;
  const size = Math.abs(difference);
  if (field === 'start_location' || field === 'end_location') return formatDistance(size);
  const sign = difference > 0 ? '+' : difference < 0 ? '−' : '';
  if (field === 'distance') return sign + formatDistance(size);
  return sign + formatDuration(field === 'duration' ? size * 1_000 : size);
}

function formatMoney(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}
