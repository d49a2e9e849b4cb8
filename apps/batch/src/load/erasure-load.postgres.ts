import { decodeValue, erasureValidator, EventDecodeError } from '@hailstream/events';
import type { Admin, RangeReader } from '@hailstream/log';
import type pg from 'pg';
import type { Logger } from 'pino';
import { inTransaction } from '../database/pool.postgres.js';
import type { Eraser } from '../erasure/eraser.service.js';
import type { LogPartition } from '../positions/log-partition.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { insertGap, lockPosition, movePosition } from './chunk-loader.postgres.js';
import { unexplainedGap } from './load.errors.js';
import { plan } from './plan.js';

interface ErasureLoadOptions {
  readonly pool: pg.Pool;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly positions: LogPositions;
  readonly eraser: Eraser;
  readonly topic: string;
  readonly logger: Logger;
}

/**
 * Applies the erasures of the log that this database has not completed: those of a command that was interrupted, and all of
 * them in a new database. A position moves after its erasures are complete.
 *
 * @throws LoadError if continuing would skip records
 * @throws LogError or pg.DatabaseError if the log or Postgres reports an error; the next load continues
 */
export async function loadErasures(options: ErasureLoadOptions, signal: AbortSignal): Promise<void> {
  const { partitions } = await plan({ ...options, topics: [options.topic] });
  for (const partition of partitions) {
    if (partition.from < partition.target) await loadPartition(options, partition, signal);
  }
}

async function loadPartition(
  { pool, reader, eraser, logger }: ErasureLoadOptions,
  { topic, partition, identity, from, target }: LogPartition,
  signal: AbortSignal,
): Promise<void> {
  let start = from;
  let deletedTo = from;
  const moveTo = async (nextOffset: bigint): Promise<void> => {
    const move = { topic, partition, identity, from: start, deletedTo, nextOffset };
    await inTransaction(pool, async (client) => {
      const position = await lockPosition(client, move);
      if (position >= nextOffset) return;
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
        'the log deleted erasures before they were applied',
      );
      deletedTo = found;
    },
    onUndecodable: async ({ baseOffset, lastOffset, reason }) => {
      logger.error(
        { topic, partition, baseOffset, lastOffset, err: reason },
        'erasures cannot be decoded, skipped',
      );
      await moveTo(lastOffset + 1n);
    },
  });
  for await (const { records, nextOffset } of read) {
    for (const { value, offset } of records) {
      try {
        await eraser.apply(decodeValue(erasureValidator, value), signal);
      } catch (error) {
        if (!(error instanceof EventDecodeError)) throw error;
        logger.error(
          { topic, partition, offset: String(offset), err: error },
          'a record is not an erasure, skipped',
        );
      }
    }
    await moveTo(nextOffset);
  }
}
