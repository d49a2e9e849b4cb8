import type { ReportUnit } from '@hailstream/events/reports';

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
/** Numbers below have a decimal. */
const SMALL = 10;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return whole.format(count);
}

export function formatShare(share: number): string {
  return percent.format(share);
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const rounded = Math.round(seconds);
  if (rounded < MINUTE_SECONDS) return `${rounded} s`;
  if (rounded < HOUR_SECONDS) {
    const rest = rounded % MINUTE_SECONDS;
    return `${Math.floor(rounded / MINUTE_SECONDS)} min${rest === 0 ? '' : ` ${rest} s`}`;
  }
  const minutes = Math.round(rounded / MINUTE_SECONDS);
  return `${whole.format(Math.floor(minutes / MINUTE_SECONDS))} h${minutes % MINUTE_SECONDS === 0 ? '' : ` ${minutes % MINUTE_SECONDS} min`}`;
}

/** Minutes on an axis. */
export function formatMinutes(minutes: number): string {
  return `${oneDecimal.format(minutes)} min`;
}

/** A mean number of vehicles: with two digits that count. */
export function formatVehicles(vehicles: number): string {
  if (vehicles >= SMALL) return whole.format(vehicles);
  return (vehicles >= 1 ? oneDecimal : twoDigits).format(vehicles);
}

export function formatFigure(value: number, unit: ReportUnit, currency?: string): string {
  switch (unit) {
    case 'count':
      return formatCount(value);
    case 'share':
      return formatShare(value);
    case 'seconds':
      return formatDuration(value);
    case 'vehicles':
      return formatVehicles(value);
    case 'money':
      return formatMoney(value, currency!);
  }
}

/** An amount in minor units of a currency of ISO 4217. */
function formatMoney(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minorUnits / 10 ** digits);
}

/** The change from one value to the next: of shares in percentage points, of others in percent. */
export function formatChange(value: number, previous: number, unit: ReportUnit): string {
  if (unit === 'share') {
    const points = (value - previous) * 100;
    return `${signed(points)} points`;
  }
  if (previous === 0) return value === 0 ? 'no change' : 'from 0';
  return `${signed(((value - previous) / previous) * 100)} %`;
}

function signed(value: number): string {
  const text = oneDecimal.format(Math.abs(value));
  if (text === '0') return '±0';
  return `${value < 0 ? '−' : '+'}${text}`;
}
