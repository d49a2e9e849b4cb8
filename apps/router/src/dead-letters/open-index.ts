import { deadLetterTopic } from '@hailstream/events';
import { DeadLetterIndex, type Admin, type RangeReader } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';

/** Maximum number of dead letters that a command reads: about 500 bytes of memory each. */
const MAX_ENTRIES = 1_000_000;

/** Opens an index of the dead-letter topic, which is empty before its first update. */
export function openDeadLetterIndex({
  admin,
  reader,
  logger,
}: {
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly logger: Logger;
}): DeadLetterIndex {
  return new DeadLetterIndex({ admin, reader, logger, topic: deadLetterTopic.name, maxEntries: MAX_ENTRIES });
}

/** @throws Error if the index lacks dead letters or marks: what it has as open may have been redriven */
export function requireWholeIndex(index: DeadLetterIndex): void {
  if (!index.isTruncated) return;
  throw new Error(
    `${deadLetterTopic.name} has more than ${MAX_ENTRIES} records: shorten its retention.ms until the log has deleted the oldest ones`,
  );
}
