import { monthOf, startOf, type Day } from './day.js';

/** Number of recent days that have a partition each. */
export const DAY_PARTITIONS_BACK = 31;
/** Number of months before these days that have a partition each. All older events are in one partition. */
export const MONTH_PARTITIONS_BACK = 24;

/** The days of a partition. `from` is `-Infinity` if the partition has no lower bound; `to` is exclusive. */
export interface PartitionRange {
  readonly from: Day;
  readonly to: Day;
}

/**
 * Returns the partition to create for a day that no existing partition contains: the day if it is recent, otherwise its
 * month, or the time before the months, as far as existing partitions leave it free. Partitions that were created
 * manually or by an earlier version are not changed.
 */
export function rangeFor(day: Day, existing: readonly PartitionRange[], today: Day): PartitionRange {
  let { from, to } = defaultRange(day, today);
  for (const range of existing) {
    if (range.to <= day) from = Math.max(from, range.to);
    else to = Math.min(to, range.from);
  }
  return { from, to };
}

/** Whether a range contains a day. */
export function includes({ from, to }: PartitionRange, day: Day): boolean {
  return from <= day && day < to;
}

/** Returns the name of a partition: `telemetry_20261122`, `telemetry_202609`, `telemetry_before_20241001`, `telemetry_20260903_20260907`. */
export function tablePartitionName(table: string, { from, to }: PartitionRange): string {
  if (from === -Infinity) return `${table}_before_${digits(to)}`;
  if (to === from + 1) return `${table}_${digits(from)}`;
  if (from === monthOf(from) && to === monthOf(from, 1)) return `${table}_${digits(from).slice(0, 6)}`;
  return `${table}_${digits(from)}_${digits(to)}`;
}

function defaultRange(day: Day, today: Day): PartitionRange {
  const firstDay = today - DAY_PARTITIONS_BACK;
  if (day >= firstDay) return { from: day, to: day + 1 };
  const firstMonth = monthOf(firstDay, -MONTH_PARTITIONS_BACK);
  if (day < firstMonth) return { from: -Infinity, to: firstMonth };
  return { from: monthOf(day), to: Math.min(monthOf(day, 1), firstDay) };
}

function digits(day: Day): string {
  return startOf(day).slice(0, 10).replaceAll('-', '');
}
