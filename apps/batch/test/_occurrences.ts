import type { TestDatabase } from './_util.js';

/** Rows of all tables that contain an id as text or as bytes, whatever the column: independent of the columns' names. */
export async function occurrencesIn(from: TestDatabase, id: string): Promise<Record<string, number>> {
  const tables = await from.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
     WHERE relnamespace = 'ride'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const texts = [id, ...[id, id.toUpperCase()].map((text) => Buffer.from(text).toString('hex'))];
    const count = await from.one<number>(
      `SELECT count(*)::integer FROM ${name} AS each WHERE each::text ILIKE ANY ($1)`,
      [texts.map((text) => `%${text}%`)],
    );
    if (count > 0) found[name] = count;
  }
  return found;
}
