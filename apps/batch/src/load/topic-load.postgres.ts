import type { Admin, LogRecord, RangeReader, UndecodableBatch } from '@hailstream/log';
import type pg from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../database/pool.postgres.js';
import type { LogPartition } from '../positions/log-partition.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { insertGap, lockPosition, movePosition } from './chunk-loader.postgres.js';
import { unexplainedGap } from './load.errors.js';
import { plan } from './plan.js';

/** What loading a topic needs. */
export interface TopicLoadOptions {
  readonly pool: pg.Pool;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly positions: LogPositions;
  readonly topic: string;
  readonly logger: Logger;
}

/** Writes what some records say, in the transaction of the position after them. */
type Write = (client: pg.ClientBase) => Promise<void>;

/** What a topic's records mean. Both functions are called again with the same records if a load fails. */
interface TopicHandler {
  /** Name of the records in messages. */
  readonly what: string;
  onRecords(records: readonly LogRecord[], partition: LogPartition): Promise<Write>;
  onUndecodable(batch: UndecodableBatch, partition: LogPartition): Write;
}

/**
 * Loads a topic that is not one of events, from its positions to the end that it has now. Several processes may do this at the
 * same time: of records that both read, the write of one counts.
 *
 * @throws LoadError if continuing would skip records
 * @throws LogError or pg.DatabaseError if the log or Postgres reports an error; the next load continues
 */
export async function loadTopic(
  options: TopicLoadOptions,
  handler: TopicHandler,
  signal: AbortSignal,
): Promise<void> {
  const { partitions } = await plan({ ...options, topics: [options.topic] });
  for (const partition of partitions) {
    if (partition.from < partition.target) await loadPartition(options, handler, partition, signal);
  }
}

async function loadPartition(
  { pool, reader, logger }: TopicLoadOptions,
  { what, onRecords, onUndecodable }: TopicHandler,
  loaded: LogPartition,
  signal: AbortSignal,
): Promise<void> {
  const { topic, partition, identity, from, target } = loaded;
  let start = from;
  let deletedTo = from;
  const commit = async (write: Write, nextOffset: bigint, last?: LogRecord): Promise<void> => {
    const move = { topic, partition, identity, from: start, deletedTo, nextOffset, last };
    await inTransaction(pool, async (client) => {
      const position = await lockPosition(client, move);
      if (position >= nextOffset) return;
      await write(client);
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
      logger.error({ topic, partition, expected, found }, `the log deleted ${what} before they were loaded`);
      deletedTo = found;
    },
    onUndecodable: (batch) => commit(onUndecodable(batch, loaded), batch.lastOffset + 1n),
  });
  for await (const { records, nextOffset } of read) {
    await commit(await onRecords(records, loaded), nextOffset, records.at(-1));
  }
}
