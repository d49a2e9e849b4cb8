import { parseArgs } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';
import { firstSentence } from '../config.js';
import { importers, type Importer } from './importers.js';

const MAX_SHIFT_DAYS = 36_500;

const names = importers.map(({ name }) => name).join('|');
const USAGE = `usage: import ${names} FILE [--zones FILE] [--shift-days N] [--speed max] [--json]`;

export interface ImportArgs {
  readonly importer: Importer;
  readonly path: string;
  /** GeoJSON with the positions of zones. */
  readonly zonesPath: string | undefined;
  /** Days by which times are moved; `undefined`: as many as are necessary. */
  readonly shiftDays: number | undefined;
  readonly json: boolean;
}

/** @throws UsageError */
export function parseImportArgs(args: readonly string[]): ImportArgs {
  const { values, positionals } = parse(args);
  const [name, path, ...others] = positionals;
  if (name === undefined || path === undefined || others.length > 0) throw new UsageError(USAGE);
  const importer = importers.find((each) => each.name === name);
  if (importer === undefined) {
    throw new UsageError(`importer: expected ${names}, got ${JSON.stringify(name)}; ${USAGE}`);
  }
  const { speed = 'max', zones, 'shift-days': shiftDays } = values;
  if (speed !== 'max') throw new UsageError(`--speed: expected max, got ${JSON.stringify(speed)}; ${USAGE}`);
  return {
    importer,
    path,
    zonesPath: zones,
    shiftDays: shiftDays === undefined ? undefined : daysOf(shiftDays),
    json: values.json ?? false,
  };
}

/** The usage with all importers and the layouts that they recognize. */
export function importHelp(): string {
  const lines = importers.flatMap(({ name, layouts }) =>
    layouts.map(({ title, columns }) => `  ${name}: ${title}\n      ${columns}`),
  );
  return `usage: npm run import -- IMPORTER FILE [OPTIONS]
  --zones FILE      GeoJSON polygons with the property LocationID, for files with zones instead of coordinates
  --shift-days N    days by which times are moved (none if ingest accepts the times, otherwise a multiple of
                    364 after which they are of the last two years)
  --speed max       as fast as ingest accepts, which is the only speed
  --home DIR        home folder of the running system (.hailstream); not used if INGEST_URL is set
  --json            print the result as JSON in the last line
importers, and the columns of their files (CSV, plain or gzip):
${lines.join('\n')}`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        speed: { type: 'string' },
        zones: { type: 'string' },
        'shift-days': { type: 'string' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`${firstSentence(error)}; ${USAGE}`, { cause: error });
  }
}

function daysOf(text: string): number {
  const days = Number(text);
  if (/^\d+$/.test(text) && days <= MAX_SHIFT_DAYS) return days;
  throw new UsageError(
    `--shift-days: expected a whole number from 0 to ${MAX_SHIFT_DAYS}, got ${JSON.stringify(text)}; ${USAGE}`,
  );
}
