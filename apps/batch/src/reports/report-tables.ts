import type { Report } from '@hailstream/events/reports';
import { csvLine } from '../output/csv.js';

/** A table of a report, as it is written to a file. */
interface ReportTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** The tables of a report. Suppressed values are `null`; their names are in the column `suppressed`, separated by spaces. */
export function reportTables(report: Report): ReportTable[] {
  const tables = {
    figures: report.figures,
    intervals: report.intervals,
    'previous-intervals': report.previousIntervals,
    hours: report.hours,
    outcomes: report.outcomes,
    states: report.states,
    cells: report.cells,
    zones: report.zones,
    quality: report.quality,
    comparison: report.comparison ?? [],
  };
  return Object.entries(tables).flatMap(([name, rows]) => {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    if (columns.length === 0) return [];
    const cells = rows.map((row) =>
      columns.map((column) => plain((row as object as Readonly<Record<string, unknown>>)[column])),
    );
    return [{ name, columns, rows: cells }];
  });
}

export function tableAsCsv({ columns, rows }: ReportTable): string {
  return [columns, ...rows].map((row) => csvLine(row)).join('');
}

function plain(value: unknown): string | number | null {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
