import { batchGroup } from '@hailstream/events';
import {
  partitionName,
  readRedriveMark,
  type Admin,
  type LogRecord,
  type RangeReader,
} from '@hailstream/log';
import type pg from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../database/pool.postgres.js';
import type { ErasedIds } from '../erasure/erased-ids.postgres.js';
import type { LogPartition } from '../positions/log-partition.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { toDeadLetterRow, type DeadLetterRow } from '../rejects/dead-letter-row.js';
import { insertDeadLetters, resolveDeadLetters } from '../rejects/dead-letters.postgres.js';
import { storableReason } from '../rows/encode-chunk.js';
import { insertGap, lockPosition, movePosition } from './chunk-loader.postgres.js';
import { unexplainedGap } from './load.errors.js';
import { plan } from './plan.js';

interface DeadLetterLoadOptions {
  readonly pool: pg.Pool;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly positions: LogPositions;
  readonly erasedIds: ErasedIds;
  readonly topic: string;
  readonly logger: Logger;
}

/**
 * Loads the dead-letter topic into `ride.dead_letters`: the dead letters of all consumer groups, of which those that were
 * redriven are resolved. Rows and positions are one transaction, and a dead letter that was written twice is one row. Several
 * processes may do this at the same time.
 *
 * @throws LoadError if continuing would skip records
 * @throws LogError or pg.DatabaseError if the log or Postgres reports an error; the next load continues
 */
export async function loadDeadLetters(options: DeadLetterLoadOptions, signal: AbortSignal): Promise<void> {
  const { partitions } = await plan({ ...options, topics: [options.topic] });
  for (const partition of partitions) {
    if (partition.from < partition.target) await loadPartition(options, partition, signal);
  }
}

async function loadPartition(
  { pool, reader, erasedIds, logger }: DeadLetterLoadOptions,
  { topic, partition, identity, from, target }: LogPartition,
  signal: AbortSignal,
): Promise<void> {
  let start = from;
  let deletedTo = from;
  const write = async (
    {
      rows,
      redriven = [],
    }: { readonly rows: readonly DeadLetterRow[]; readonly redriven?: readonly string[] },
    nextOffset: bigint,
    last?: LogRecord,
  ): Promise<void> => {
    const move = { topic, partition, identity, from: start, deletedTo, nextOffset, last };
    await inTransaction(pool, async (client) => {
      const position = await lockPosition(client, move);
      if (position >= nextOffset) return;
      await insertDeadLetters(client, await withoutErased(client, rows, erasedIds));
      await resolveDeadLetters(client, redriven);
      await insertGap(client, move, position);
      await movePosition(client, move, { position, holder: null });
    });
    start = deletedTo = nextOffset;
  };
  const read = await reader.readRange({
    ranges: [{ topic, partition, topicId: identity.topicId, from, to: target }],
    signal,
    onGap: (gap) => {
      if (gap.cause === 'unexplained') throw unexplainedGap(gap);
      const { expected, found } = gap;
      logger.error(
        { topic, partition, expected, found },
        'the log deleted dead letters before they were loaded',
      );
      deletedTo = found;
    },
    onUndecodable: async ({ baseOffset, lastOffset, bytes, sha256, reason }) => {
      const place = { topic, partition, offset: baseOffset, lastOffset };
      const row = {
        id: `${partitionName(topic, partition)}/${baseOffset}//${sha256}`,
        ...place,
        consumerGroup: '',
        attempts: 0,
        reason: storableReason(
          `a batch of the dead-letter topic cannot be decoded (SHA-256 ${sha256}): ${reason.message}`,
        ),
        key: null,
        value: bytes,
        timestampMs: Number.NaN,
        rejectedAtMs: Date.now(),
      };
      await write({ rows: [row] }, lastOffset + 1n);
    },
  });
  for await (const { records, nextOffset } of read) {
    const rows: DeadLetterRow[] = [];
    const redriven: string[] = [];
    for (const record of records) {
      const mark = readRedriveMark(record);
      // Postgres has what batch itself has loaded again.
      if (mark && mark.groupId !== batchGroup) redriven.push(storableReason(mark.id));
      else if (!mark) rows.push(toDeadLetterRow(record, { topic, partition }));
    }
    await write({ rows, redriven }, nextOffset, records.at(-1));
  }
}

/** Removes the content of dead letters with an erased id. */
async function withoutErased(
  client: pg.ClientBase,
  rows: readonly DeadLetterRow[],
  erasedIds: ErasedIds,
): Promise<readonly DeadLetterRow[]> {
  // No erasure can be stored until the transaction ends.
  await client.query('LOCK TABLE ride.dead_letters IN ROW EXCLUSIVE MODE');
  await erasedIds.refresh(client);
  if (erasedIds.isEmpty) return rows;
  return rows.map((row) => {
    const isErased = [row.key, row.value, Buffer.from(row.reason)].some((bytes) => erasedIds.areIn(bytes));
    return isErased ? { ...row, key: null, value: null, reason: 'erased' } : row;
  });
}
