import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';
import { POOL } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { readZones, ZoneFileError, type Zone } from '../zones/zone-file.js';
import { storeZones } from '../zones/zones.postgres.js';
import type { CommandContext } from './command.module.js';

export const ZONES_USAGE = [
  'zones load FILE.geojson [--name PROPERTY]',
  '    replaces the zones by which the views of schema analysis group: the polygons of a GeoJSON FeatureCollection.',
  '    PROPERTY has the name of a zone (default: name)',
];

interface ZonesArgs {
  readonly file: string;
  readonly nameProperty: string;
}

/** @throws UsageError */
export function parseZonesArgs(args: readonly string[]): ZonesArgs {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options: { name: { type: 'string', default: 'name' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(`zones: ${(error as Error).message}`, { cause: error });
  }
  const { values, positionals } = parsed;
  const [action, file, ...others] = positionals;
  if (action !== 'load' || file === undefined || others.length > 0) {
    throw new UsageError('zones: expected load and one file');
  }
  return { file, nameProperty: values.name };
}

/** Loads zones, and writes how many to standard output. Returns the exit code. */
export async function runZones(app: CommandContext, { file, nameProperty }: ZonesArgs): Promise<number> {
  await app.get(SchemaMigrator).migrate();
  const zones = await readZonesFile(file, nameProperty);
  await storeZones(app.get(POOL), zones);
  const cells = zones.reduce((sum, zone) => sum + zone.cells.length, 0);
  process.stdout.write(`${zones.length} zones with ${cells} H3 cells loaded\n`);
  return 0;
}

async function readZonesFile(file: string, nameProperty: string): Promise<Zone[]> {
  try {
    return readZones(await readFile(file, 'utf8'), nameProperty);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ZoneFileError(`${file}: ${reason}`, { cause: error });
  }
}
