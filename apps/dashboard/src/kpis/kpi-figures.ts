import type { KpiName } from '@hailstream/events/live';
import { formatCount, formatDuration, formatShare, UNKNOWN } from '../format.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';

/** The figures in the order of the page. */
export const kpiFigures: readonly {
  readonly name: KpiName;
  readonly format: (value: number) => string;
}[] = [
  { name: 'trips_under_way', format: count },
  { name: 'requests_waiting', format: count },
  { name: 'wait_median_ms', format: formatDuration },
  { name: 'wait_p90_ms', format: formatDuration },
  { name: 'completed_per_hour', format: count },
  { name: 'cancelled_per_hour', format: count },
  { name: 'utilisation', format: (value) => formatShare(value * 1_000, 1_000) },
  { name: 'active_vehicles', format: count },
  { name: 'events_per_second', format: count },
];

/** Averages are shown with a decimal if they are small. */
function count(value: number): string {
  return value < 10 && !Number.isInteger(value) ? locale.get().oneDecimal.format(value) : formatCount(value);
}

export function formatKpi(format: (value: number) => string, value: number | null): string {
  return value === null ? UNKNOWN : format(value);
}

/** The mean of the known values; `null` without any. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** What a chart shows, in words. */
export function describeSeries(
  values: readonly (number | null)[],
  format: (value: number) => string,
): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return t('kpis.noValues');
  return t('kpis.series', {
    lowest: format(Math.min(...known)),
    highest: format(Math.max(...known)),
    last: formatKpi(format, values.at(-1) ?? null),
  });
}

/** The change of the mean of two series where both have values, such as +12 %; `null` if it cannot be compared. */
export function changeInWords(
  values: readonly (number | null)[],
  before: readonly (number | null)[],
): string | null {
  const both = values.flatMap((value, at) => {
    const other = before[at] ?? null;
    return value === null || other === null ? [] : [[value, other] as const];
  });
  const mean = meanOf(both.map(([value]) => value));
  const other = meanOf(both.map(([, value]) => value));
  if (mean === null || other === null || other === 0) return null;
  const percent = Math.round((mean / other - 1) * 100);
  return percent === 0 ? '±0 %' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`;
}
