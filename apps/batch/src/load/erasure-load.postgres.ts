import { decodeValue, erasureValidator, EventDecodeError } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import type { Logger } from 'pino';
import type { Eraser } from '../erasure/eraser.service.js';
import { loadTopic, type TopicLoadOptions } from './topic-load.postgres.js';

/**
 * Applies the erasures of the log that this database has not completed: those of a command that was interrupted, and all of
 * them in a new database. A position moves after its erasures are complete.
 *
 * @throws LoadError if continuing would skip records
 * @throws LogError or pg.DatabaseError if the log or Postgres reports an error; the next load continues
 */
export async function loadErasures(
  { eraser, ...options }: TopicLoadOptions & { readonly eraser: Eraser },
  signal: AbortSignal,
): Promise<void> {
  const { topic, logger } = options;
  await loadTopic(
    options,
    {
      what: 'erasures',
      async onRecords(records, { partition }) {
        for (const record of records) await apply(record, { topic, partition, eraser, logger, signal });
        return writeNothing;
      },
      onUndecodable({ baseOffset, lastOffset, reason }, { partition }) {
        const place = { topic, partition, baseOffset, lastOffset };
        logger.error({ ...place, err: reason }, 'erasures cannot be decoded, skipped');
        return writeNothing;
      },
    },
    signal,
  );
}

async function apply(
  { value, offset }: LogRecord,
  context: {
    readonly topic: string;
    readonly partition: number;
    readonly eraser: Eraser;
    readonly logger: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { topic, partition, eraser, logger, signal } = context;
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

/** An erasure has its own transactions. */
function writeNothing(): Promise<void> {
  return Promise.resolve();
}
