import { readFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import type { Report } from '@hailstream/events/reports';
import { parseOptions, UsageError } from '@hailstream/service/command-line';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { OutputError } from '../output/output.errors.js';
import { PartialFile } from '../output/partial-file.js';
import { reportHtml } from '../reports/html/report-html.js';
import { givenPeriod, parsePeriod, ReportError } from '../reports/period.js';
import { readReport } from '../reports/report-reader.postgres.js';
import { reportTables, tableAsCsv } from '../reports/report-tables.js';
import { parseZones, type ReportArea } from '../reports/zones.js';
import type { CommandContext } from './command.module.js';
import { parseProvider } from './shared-options.js';

/** The smallest group that is usual in publications of transport data. */
const DEFAULT_MIN_COUNT = 5;
const MAX_MIN_COUNT = 1_000;

export const REPORT_USAGE = [
  'report --day YYYY-MM-DD | --week YYYY-Www | --month YYYY-MM --out FILE [--csv] [--json] [--zone NAME] [--zones FILE]',
  '       [--provider UUID] [--time-zone NAME] [--min-count N] [--force]',
  '    writes a report as one HTML file. --csv also writes its tables, one file each; --json writes all of them',
  '    to one file. --zones reads zones from a GeoJSON file (default: those in the database), --zone limits the report to',
  `    one of them. Counts below --min-count (default ${DEFAULT_MIN_COUNT}; 1 for none) are suppressed`,
];

const OPTIONS = {
  day: { type: 'string' },
  week: { type: 'string' },
  month: { type: 'string' },
  out: { type: 'string' },
  csv: { type: 'boolean' },
  json: { type: 'boolean' },
  zone: { type: 'string' },
  zones: { type: 'string' },
  provider: { type: 'string' },
  'time-zone': { type: 'string' },
  'min-count': { type: 'string' },
  force: { type: 'boolean' },
} as const;

interface ReportArgs {
  readonly period: Report['period'];
  readonly out: string;
  readonly writesCsv: boolean;
  readonly writesJson: boolean;
  readonly zone: string | null;
  readonly zonesFile: string | undefined;
  readonly providerId: string | null;
  readonly minCount: number;
  readonly isForced: boolean;
}

/** @throws UsageError */
export function parseReportArgs(args: readonly string[]): ReportArgs {
  const values = parseOptions(args, OPTIONS);
  const { out = '', zone = null, zones, provider } = values;
  if (out === '') throw new UsageError('--out: expected the name of a file, got ""');
  if (!/\.html?$/i.test(out))
    throw new UsageError(`--out: expected a name that ends with .html, got "${out}"`);
  const minCount = Number(values['min-count'] ?? DEFAULT_MIN_COUNT);
  if (!Number.isInteger(minCount) || minCount < 1 || minCount > MAX_MIN_COUNT) {
    throw new UsageError(
      `--min-count: expected an integer from 1 to ${MAX_MIN_COUNT}, got "${values['min-count']}"`,
    );
  }
  return {
    period: periodOf(values, values['time-zone'] ?? 'UTC'),
    out,
    writesCsv: values.csv ?? false,
    writesJson: values.json ?? false,
    zone,
    zonesFile: zones,
    providerId: parseProvider(provider) ?? null,
    minCount,
    isForced: values.force ?? false,
  };
}

/** Runs `report` and returns the exit code. */
export async function runReport(app: CommandContext, args: ReportArgs): Promise<number> {
  const { period, providerId, zone, zonesFile, minCount, out, isForced } = args;
  const areas = zonesFile === undefined ? undefined : await readZones(zonesFile);
  const report = await readReport(app.get<Pool>(POOL), {
    period,
    providerId,
    zone,
    ...(areas !== undefined && { areas }),
    minCount,
    nowMs: Date.now(),
  });
  const written: string[] = [];
  for (const { name, text } of filesOf(report, args)) {
    await using file = await PartialFile.create(name, { overwrites: isForced });
    await file.write(Buffer.from(text));
    await file.publish();
    written.push(name);
  }
  process.stdout.write(
    args.writesJson
      ? `${JSON.stringify({ out, files: written, period: period.name, from: period.from, to: period.to })}\n`
      : `${written.join('\n')}\n`,
  );
  return 0;
}

/** The HTML file is the last one: if it exists, the others do. */
function filesOf(
  report: Report,
  { out, writesCsv, writesJson }: ReportArgs,
): { name: string; text: string }[] {
  const { dir, name } = parse(out);
  const stem = join(dir, name);
  return [
    ...(writesCsv
      ? reportTables(report).map((table) => ({ name: `${stem}.${table.name}.csv`, text: tableAsCsv(table) }))
      : []),
    ...(writesJson ? [{ name: `${stem}.json`, text: `${JSON.stringify(report, null, 2)}\n` }] : []),
    { name: out, text: reportHtml(report) },
  ];
}

async function readZones(path: string): Promise<ReportArea[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new OutputError(`--zones: cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return parseZones(text, path);
}

function periodOf(
  { day, week, month }: { readonly day?: string; readonly week?: string; readonly month?: string },
  timeZone: string,
): Report['period'] {
  try {
    const { kind, name } = givenPeriod({
      ...(day !== undefined && { day }),
      ...(week !== undefined && { week }),
      ...(month !== undefined && { month }),
    });
    return parsePeriod(kind, name, timeZone);
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    throw new UsageError(`--${error.field.replace('_', '-')}: ${error.message}`, { cause: error });
  }
}
