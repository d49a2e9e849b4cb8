import { batchGroup } from '@hailstream/events';
import { partitionName, readRedriveMark, type LogRecord, type UndecodableBatch } from '@hailstream/log';
import type pg from 'pg';
import type { ErasedIds } from '../erasure/erased-ids.postgres.js';
import type { LogPartition } from '../positions/log-partition.js';
import { toDeadLetterRow, type DeadLetterRow } from '../rejects/dead-letter-row.js';
import { insertDeadLetters, resolveDeadLetters } from '../rejects/dead-letters.postgres.js';
import { storableReason } from '../rows/encode-chunk.js';
import { loadTopic, type TopicLoadOptions } from './topic-load.postgres.js';

/**
 * Loads the dead-letter topic into `ride.dead_letters`: the dead letters of all consumer groups, of which those that were
 * redriven are resolved. Rows and positions are one transaction, and a dead letter that was written twice is one row. Several
 * processes may do this at the same time.
 *
 * @throws LoadError if continuing would skip records
 * @throws LogError or pg.DatabaseError if the log or Postgres reports an error; the next load continues
 */
export async function loadDeadLetters(
  { erasedIds, ...options }: TopicLoadOptions & { readonly erasedIds: ErasedIds },
  signal: AbortSignal,
): Promise<void> {
  await loadTopic(
    options,
    {
      what: 'dead letters',
      onRecords(records, partition) {
        const { rows, redriven } = sortRecords(records, partition);
        return Promise.resolve(async (client) => {
          await insertDeadLetters(client, await withoutErased(client, rows, erasedIds));
          await resolveDeadLetters(client, redriven);
        });
      },
      onUndecodable(batch, partition) {
        const row = rowOf(batch, partition);
        return async (client) => insertDeadLetters(client, await withoutErased(client, [row], erasedIds));
      },
    },
    signal,
  );
}

function sortRecords(
  records: readonly LogRecord[],
  { topic, partition }: LogPartition,
): { readonly rows: readonly DeadLetterRow[]; readonly redriven: readonly string[] } {
  const rows: DeadLetterRow[] = [];
  const redriven: string[] = [];
  for (const record of records) {
    const mark = readRedriveMark(record);
    // Postgres has what batch itself has loaded again.
    if (mark && mark.groupId !== batchGroup) redriven.push(storableReason(mark.id));
    else if (!mark) rows.push(toDeadLetterRow(record, { topic, partition }));
  }
  return { rows, redriven };
}

function rowOf(
  { baseOffset, lastOffset, bytes, sha256, reason }: UndecodableBatch,
  { topic, partition }: LogPartition,
): DeadLetterRow {
  return {
    id: `${partitionName(topic, partition)}/${baseOffset}//${sha256}`,
    topic,
    partition,
    offset: baseOffset,
    lastOffset,
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
