import { parseOptions, UsageError } from '@hailstream/service/command-line';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { CsvRows } from '../export/csv-rows.js';
import { exportedTables, type ExportedTable } from '../export/exported-tables.js';
import { exportRows } from '../export/exporter.postgres.js';
import { ParquetRows } from '../export/parquet-rows.js';
import { PartialFile } from '../output/partial-file.js';
import type { CommandContext } from './command.module.js';
import { LineProgress } from './line-progress.js';
import { parseMoment, parseProvider } from './shared-options.js';

export const EXPORT_USAGE = [
  'export --table TABLE --from TIME --to TIME --format parquet|csv --out FILE [--provider UUID] [--force] [--json]',
  '    writes the rows of a table with a time from --from to before --to, sorted by time, to a file. TIME is a date',
  '    (UTC) or ISO 8601 with a time zone. Parquet files are GeoParquet. --force replaces an existing file',
];

const OPTIONS = {
  table: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  format: { type: 'string' },
  out: { type: 'string' },
  provider: { type: 'string' },
  force: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const FORMATS = { parquet: ParquetRows, csv: CsvRows } as const;

interface ExportArgs {
  readonly table: ExportedTable;
  readonly fromMs: number;
  readonly toMs: number;
  readonly format: keyof typeof FORMATS;
  readonly out: string;
  readonly providerId: string | undefined;
  readonly isForced: boolean;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseExportArgs(args: readonly string[]): ExportArgs {
  const values = parseOptions(args, OPTIONS);
  const { table: name = '', from = '', to = '', format = '', out = '', provider } = values;
  const table = exportedTables.get(name);
  if (table === undefined) {
    throw new UsageError(`--table: expected one of ${[...exportedTables.keys()].join(', ')}, got "${name}"`);
  }
  const fromMs = parseMoment('--from', from);
  const toMs = parseMoment('--to', to);
  if (fromMs >= toMs) throw new UsageError(`--to: expected a time after --from ${from}, got "${to}"`);
  if (!isFormat(format)) {
    throw new UsageError(`--format: expected one of ${Object.keys(FORMATS).join(', ')}, got "${format}"`);
  }
  if (out === '') throw new UsageError('--out: expected the name of a file, got ""');
  return {
    table,
    fromMs,
    toMs,
    format,
    out,
    providerId: parseProvider(provider),
    isForced: values.force ?? false,
    isJson: values.json ?? false,
  };
}

/** Runs `export` and returns the exit code. */
export async function runExport(app: CommandContext, args: ExportArgs, signal: AbortSignal): Promise<number> {
  const { table, fromMs, toMs, format, out, providerId, isForced, isJson } = args;
  const startedAt = performance.now();
  await using file = await PartialFile.create(out, { overwrites: isForced });
  using progress = new LineProgress(process.stderr);
  const rows = await exportRows(app.get<Pool>(POOL), {
    table,
    range: { fromMs, toMs },
    ...(providerId !== undefined && { providerId }),
    open: (columns) => FORMATS[format].open({ columns, write: (bytes) => file.write(bytes) }),
    onProgress: (state) =>
      progress.show(`exporting ${table.name}: ${state.rows} rows, ${Math.floor(state.share * 100)} %`),
    signal,
  });
  await file.publish();
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const result = { table: table.name, format, ...range, rows, bytes: file.sizeBytes, file: out, seconds };
  process.stdout.write(
    `${isJson ? JSON.stringify(result) : `${rows} rows of ${table.name}, ${file.sizeBytes} bytes, in ${out}`}\n`,
  );
  return 0;
}

function isFormat(format: string): format is keyof typeof FORMATS {
  return Object.hasOwn(FORMATS, format);
}
