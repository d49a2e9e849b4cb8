import './report.css';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';
import type { ReportedField, TripPage } from '@hailstream/events/live';
import { formatClock, formatDistance, formatDuration, formatPlace, shortId, UNKNOWN } from '../format.js';
import { verdictWords } from './words.js';

/** The operator's report next to what the events say. */
export function TripReport({ trip }: { trip: TripPage }) {
  const { report, verdict, fields, report_count: count, distance_problem: problem } = trip;
  return (
    <section className="page-section" aria-label={t('report.title')} data-testid="trip-report">
      <h3>{t('report.title')}</h3>
      <p className="report-verdict" data-verdict={verdict}>
        {verdictWords(verdict)}
      </p>
      {report !== null && (
        <div className="report-scroll" tabIndex={0} role="region" aria-label={t('report.table')}>
          <table className="report">
            <thead>
              <tr>
                <th scope="col">{t('report.field')}</th>
                <th scope="col">{t('report.reported')}</th>
                <th scope="col">{t('report.events')}</th>
                <th scope="col">{t('report.difference')}</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((field) => (
                <tr key={field.field} data-differs={field.differs}>
                  <th scope="row">{t(`report.field.${field.field}`)}</th>
                  <td>{valueWords(field.field, field.reported)}</td>
                  <td>{valueWords(field.field, field.observed)}</td>
                  <td>{differenceWords(field)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {problem !== null && <p className="page-none">{t('report.distanceProblem', { reason: problem })}</p>}
      {count > 1 && <p className="page-none">{t('report.several', { count })}</p>}
      {typeof report?.actual_cost === 'number' && typeof report.currency === 'string' && (
        <p className="page-none">
          {t('report.fare', { amount: formatMoney(report.actual_cost, report.currency) })}
        </p>
      )}
    </section>
  );
}

function valueWords(field: ReportedField['field'], value: ReportedField['reported']): string {
  if (value === null) return UNKNOWN;
  if (typeof value === 'string') return shortId(value);
  if (typeof value === 'object') return formatPlace(value);
  if (field === 'duration') return formatDuration(value * 1_000);
  return field === 'distance' ? formatDistance(value) : formatClock(value);
}

function differenceWords({ field, difference, differs }: ReportedField): string {
  if (field === 'vehicle') return differs ? t('report.otherVehicle') : UNKNOWN;
  if (difference === null) return UNKNOWN;
  const size = Math.abs(difference);
  if (field === 'start_location' || field === 'end_location') return formatDistance(size);
  const sign = difference > 0 ? '+' : difference < 0 ? '−' : '';
  if (field === 'distance') return sign + formatDistance(size);
  return sign + formatDuration(field === 'duration' ? size * 1_000 : size);
}

function formatMoney(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat(locale.get().tag, { style: 'currency', currency });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}
