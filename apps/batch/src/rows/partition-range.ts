import { monthOf, startOf, type Day } from './day.js';

/** Days back from today that have a partition each. */
export const DAY_PARTITIONS_BACK = 31;
/** Months before these that have a partition each. What is older goes into one partition. */
export const MONTH_PARTITIONS_BACK = 24;

/** The days of a partition: from one, `-Infinity` if it has no start, to another, exclusive. */
export interface PartitionRange {
  readonly from: Day;
  readonly to: Day;
}

/**
 * The partition to create for a day that none of the existing ones has: the day alone if it is recent, else what is
 * free around it of its month, or of the time before the months. So partitions that were created by another rule, or
 * by hand, stay as they are.
 */
export function rangeFor(day: Day, existing: readonly PartitionRange[], today: Day): PartitionRange {
  let { from, to } = wantedRange(day, today);
  for (const range of existing) {
    if (range.to <= day) from = Math.max(from, range.to);
    else to = Math.min(to, range.from);
  }
  return { from, to };
}

/** Whether a range has a day. */
export function includes({ from, to }: PartitionRange, day: Day): boolean {
  return from <= day && day < to;
}

/** The partition's name: `telemetry_20261122`, `telemetry_202609`, `telemetry_before_20241001`, `telemetry_20260903_20260907`. */
export function tablePartitionName(table: string, { from, to }: PartitionRange): string {
  if (from === -Infinity) return `${table}_before_${digits(to)}`;
  if (to === from + 1) return `${table}_${digits(from)}`;
  if (from === monthOf(from) && to === monthOf(from, 1)) return `${table}_${digits(from).slice(0, 6)}`;
  return `${table}_${digits(from)}_${digits(to)}`;
}

function wantedRange(day: Day, today: Day): PartitionRange {
  const firstDay = today - DAY_PARTITIONS_BACK;
  if (day >= firstDay) return { from: day, to: day + 1 };
  const firstMonth = monthOf(firstDay, -MONTH_PARTITIONS_BACK);
  if (day < firstMonth) return { from: -Infinity, to: firstMonth };
  return { from: monthOf(day), to: Math.min(monthOf(day, 1), firstDay) };
}

function digits(day: Day): string {
  return startOf(day).slice(0, 10).replaceAll('-', '');
}
