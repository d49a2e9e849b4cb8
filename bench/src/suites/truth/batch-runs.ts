import { eventRegistry } from '@hailstream/events';
import type { Client } from 'pg';
import { runToEnd } from '../../harness/processes.js';
import type { RebuiltRow } from './compare-trips.js';

type Say = (what: string) => void;

const BATCH = 'apps/batch/dist/main.js';

/** Result of rebuilding all trips. */
export interface Rebuilt {
  readonly rebuilt: number;
  readonly changed: number;
  readonly seconds: number;
}

/** Runs of batch, and what they have counted. */
export class BatchRuns {
  loads = 0;
  rows = 0;
  duplicates = 0;
  /** Time of the loads, without the start of their processes, and of the processes. */
  loadSeconds = 0;
  processSeconds = 0;
  rebuilt = 0;
  changed = 0;

  constructor(
    private readonly env: Readonly<Record<string, string>>,
    private readonly say: Say,
  ) {}

  async load(): Promise<void> {
    const startedAt = performance.now();
    const output = await runToEnd(BATCH, ['run', '--json'], this.env);
    const { rows, duplicates, seconds, rebuiltTrips } = JSON.parse(lastLine(output)) as {
      rows: number;
      duplicates: number;
      seconds: number;
      rebuiltTrips?: Omit<Rebuilt, 'seconds'>;
    };
    if (rebuiltTrips === undefined) throw new Error(`the trips could not be rebuilt:\n${output}`);
    const processSeconds = (performance.now() - startedAt) / 1_000;
    this.loads += 1;
    this.rows += rows;
    this.duplicates += duplicates;
    this.loadSeconds += seconds;
    this.processSeconds += processSeconds;
    this.rebuilt += rebuiltTrips.rebuilt;
    this.changed += rebuiltTrips.changed;
    this.say(
      `load ${this.loads}: ${rows} rows in ${seconds.toFixed(1)} s, ${rebuiltTrips.rebuilt} trips rebuilt, ${processSeconds.toFixed(1)} s in all`,
    );
  }

  /** Rebuilds all trips from the loaded events. */
  async rebuildAll(): Promise<Rebuilt> {
    const startedAt = performance.now();
    const counts = JSON.parse(
      lastLine(await runToEnd(BATCH, ['rebuild-trips', '--json'], this.env)),
    ) as Rebuilt;
    return { ...counts, seconds: (performance.now() - startedAt) / 1_000 };
  }
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1)!;
}

/** Rows of all tables of events. */
export async function countRows(client: Client): Promise<number> {
  const tables = eventRegistry.families.flatMap(({ table }) => (table === null ? [] : [table]));
  const { rows } = await client.query<{ count: string }>(
    `SELECT sum(count) AS count FROM (${tables.map((table) => `SELECT count(*) AS count FROM ride.${table}`).join(' UNION ALL ')}) AS counts`,
  );
  return Number(rows[0]!.count);
}

export async function readRebuilt(client: Client): Promise<RebuiltRow[]> {
  return (await client.query<RebuiltRow>('SELECT * FROM ride.rebuilt_trips')).rows;
}
