import type pg from 'pg';
import { CopyWriter } from '../rows/copy-writer.js';
import type { RowKey } from '../rows/encode-chunk.js';
import { copyTuples } from './copy.postgres.js';
import { attempt, isUniqueViolation } from './savepoint.postgres.js';

/** Field count; two UUIDs and a date, each with its length. */
const KEY_TUPLE_BYTES = 2 + 2 * (4 + 16) + (4 + 4);
/** Chunks without a repeat after which the next ones are expected to have none. */
const CHUNKS_WITHOUT_REPEATS = 8;
/** Tries to claim keys while other processes claim the same ones: each waits until the other has committed. */
const MAX_ATTEMPTS = 10;

/**
 * The ids that were loaded into a table, `ride.*_seen`, shared by the chunks of a load. While nothing is sent twice, a
 * chunk's keys are copied without a look, which is fastest. After a repeat each chunk first looks which of its keys are
 * there, so that no copy fails.
 */
export class SeenIds {
  private chunksToLook = 0;

  constructor(private readonly table: string) {}

  /** Adds the keys of rows to those that were seen. Returns the rows whose keys were not there, in ascending order. */
  async claim(client: pg.ClientBase, keys: readonly RowKey[], rows: readonly number[]): Promise<number[]> {
    if (rows.length === 0) return [];
    // In one order everywhere, so that two processes with the same keys wait for each other and never both.
    const sorted = rows.map((row) => ({ ...keys[row]!, row })).toSorted(byKey);
    for (let tries = 0; tries < MAX_ATTEMPTS; tries += 1) {
      const unseen = this.chunksToLook > 0 ? await this.unseen(client, sorted) : sorted;
      if (unseen.length < rows.length) this.chunksToLook = CHUNKS_WITHOUT_REPEATS;
      else if (this.chunksToLook > 0) this.chunksToLook -= 1;
      if (await this.copy(client, unseen)) return unseen.map(({ row }) => row).sort((a, b) => a - b);
      this.chunksToLook = CHUNKS_WITHOUT_REPEATS;
    }
    throw new Error(`ride.${this.table}_seen: other processes claimed the same ids ${MAX_ATTEMPTS} times`);
  }

  /** Gives back the key of a row that was not written. */
  async release(client: pg.ClientBase, { id, providerId }: RowKey): Promise<void> {
    await client.query(`DELETE FROM ride.${this.table}_seen WHERE id = $1 AND provider_id = $2`, [
      id,
      providerId,
    ]);
  }

  private async unseen(client: pg.ClientBase, keys: readonly ClaimedKey[]): Promise<readonly ClaimedKey[]> {
    const { rows } = await client.query<{ place: number }>(
      // With LIMIT each key is looked up in the index; without, the planner may read all of the table instead.
      `SELECT place::integer FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS keys (id, provider_id, place),
         LATERAL (SELECT FROM ride.${this.table}_seen AS seen
                  WHERE seen.id = keys.id AND seen.provider_id = keys.provider_id LIMIT 1) AS seen`,
      [uuidArray(keys.map(({ id }) => id)), uuidArray(keys.map(({ providerId }) => providerId))],
    );
    if (rows.length === 0) return keys;
    const seen = new Set(rows.map(({ place }) => place - 1));
    return keys.filter((_, index) => !seen.has(index));
  }

  /** Whether all keys were copied; none if one of them is there. */
  private async copy(client: pg.ClientBase, keys: readonly ClaimedKey[]): Promise<boolean> {
    if (keys.length === 0) return true;
    const target = { table: `ride.${this.table}_seen`, columns: ['id', 'provider_id', 'day'] };
    const refusal = await attempt(client, isUniqueViolation, () =>
      copyTuples(client, target, keyTuples(keys)),
    );
    return refusal === undefined;
  }
}

type ClaimedKey = RowKey & { readonly row: number };

function byKey(a: RowKey, b: RowKey): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.providerId < b.providerId ? -1 : 1;
}

function keyTuples(keys: readonly RowKey[]): Buffer {
  const writer = new CopyWriter(keys.length * KEY_TUPLE_BYTES);
  for (const { id, providerId, day } of keys) {
    writer.tuple(3);
    writer.uuid(id);
    writer.uuid(providerId);
    writer.date(day);
  }
  return writer.bytes();
}

/** A parameter in binary, which Postgres reads much faster than text. */
function uuidArray(values: readonly string[]): Buffer {
  const writer = new CopyWriter(24 + values.length * 20);
  writer.uuidArray(values);
  // Without the length that a field starts with: the protocol has its own.
  return writer.bytes(4);
}
