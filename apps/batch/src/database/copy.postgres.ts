import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COPY_HEADER, COPY_TRAILER } from '../rows/copy-writer.js';

/** Bytes written to the socket at once: enough for Postgres to read while the next chunk is encoded. */
const PIECE_BYTES = 1024 * 1024;

/** Copies tuples in the binary COPY format into a table. The buffer is borrowed until the promise resolves. */
export async function copyTuples(
  client: pg.ClientBase,
  target: { readonly table: string; readonly columns: readonly string[] },
  tuples: Buffer,
): Promise<void> {
  const columns = target.columns.map((name) => `"${name}"`).join(', ');
  const stream = client.query(copyFrom(`COPY ${target.table} (${columns}) FROM STDIN (FORMAT binary)`));
  await pipeline(Readable.from(pieces(tuples), { objectMode: false }), stream);
}

function* pieces(tuples: Buffer): Generator<Buffer> {
  yield COPY_HEADER;
  for (let start = 0; start < tuples.length; start += PIECE_BYTES) {
    yield tuples.subarray(start, start + PIECE_BYTES);
  }
  yield COPY_TRAILER;
}
