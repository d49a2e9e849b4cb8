import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COPY_HEADER, COPY_TRAILER } from '../rows/copy-writer.js';

/** Bytes handed to the socket at once: small enough for its back-pressure to be felt. */
const PIECE_BYTES = 64 * 1024;

/** Copies tuples of binary COPY into a table. */
export async function copyTuples(
  client: pg.ClientBase,
  target: { readonly table: string; readonly columns: readonly string[] },
  tuples: Iterable<Buffer>,
): Promise<void> {
  const columns = target.columns.map((name) => `"${name}"`).join(', ');
  const stream = client.query(copyFrom(`COPY ${target.table} (${columns}) FROM STDIN (FORMAT binary)`));
  await pipeline(Readable.from(pieces(tuples), { objectMode: false }), stream);
}

function* pieces(tuples: Iterable<Buffer>): Generator<Buffer> {
  let piece: Buffer[] = [COPY_HEADER];
  let size = COPY_HEADER.length;
  for (const tuple of tuples) {
    piece.push(tuple);
    size += tuple.length;
    if (size < PIECE_BYTES) continue;
    yield Buffer.concat(piece, size);
    piece = [];
    size = 0;
  }
  piece.push(COPY_TRAILER);
  yield Buffer.concat(piece);
}
