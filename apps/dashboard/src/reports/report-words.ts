import type { ReportFigure } from '@hailstream/events/reports';
import { formatCount, formatDuration, formatShare, UNKNOWN } from '../format.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';

/** A value of a key figure with its unit. */
export function figureValue({ unit, currency }: ReportFigure, value: number): string {
  switch (unit) {
    case 'count':
      return formatCount(value);
    case 'share':
      return formatShare(value, 1);
    case 'seconds':
      return formatDuration(value * 1_000);
    case 'vehicles':
      return locale.get().oneDecimal.format(value);
    case 'money':
      return money(value, currency ?? 'EUR');
  }
}

/** How a figure changed from the period before. */
export function changeWords(figure: ReportFigure): string {
  const { unit, value, previous } = figure;
  if (previous === null) return t('reports.noBefore');
  const before = figureValue(figure, previous);
  if (value === null || (previous === 0 && unit !== 'share')) return t('reports.beforeOnly', { before });
  if (unit === 'share') return t('reports.points', { change: signed((value - previous) * 100), before });
  return t('reports.percent', { change: signed(((value - previous) / previous) * 100), before });
}

/** The change from one count to the next in percent; unknown if it cannot be calculated. */
export function percentChange(value: number | null, previous: number | null): string {
  if (value === null || previous === null || previous === 0) return UNKNOWN;
  return `${signed(((value - previous) / previous) * 100)}%`;
}

/** An amount in minor units. */
function money(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat(locale.get().language, { style: 'currency', currency });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

function signed(change: number): string {
  const text = locale.get().oneDecimal.format(Math.abs(change));
  return `${change < 0 ? '−' : '+'}${text}`;
}
