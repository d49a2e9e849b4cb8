import { isDeepStrictEqual } from 'node:util';
import {
  createRangeReader,
  headersOf,
  partitionName,
  type LogConnection,
  type LogRecord,
  type RangeReader,
  type TopicPartition,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { CopyError, type PartitionCopy } from './partition-copy.js';

/**
 * Compares the last copied record of each partition with its original. They differ if the source topic was recreated since,
 * or if its first records were deleted.
 *
 * @throws CopyError `NOT_A_COPY`
 */
export async function requireCopies(
  copies: readonly PartitionCopy[],
  {
    source,
    to,
    logger,
  }: { readonly source: RangeReader; readonly to: LogConnection; readonly logger: Logger },
): Promise<void> {
  const last = copies.flatMap(({ topic, partition, lastCopied }) =>
    lastCopied ? [{ topic, partition, offsets: lastCopied }] : [],
  );
  if (last.length === 0) return;
  await using target = createRangeReader({ connection: to, logger });
  const originals = await readRecords(
    source,
    last.map(({ offsets, ...partition }) => ({ ...partition, offset: offsets.source })),
  );
  const copied = await readRecords(
    target,
    last.map(({ offsets, ...partition }) => ({ ...partition, offset: offsets.target })),
  );
  for (const { topic, partition } of last) {
    const key = keyOf({ topic, partition });
    if (isDeepStrictEqual(originals.get(key), copied.get(key))) continue;
    const message = `the last record of partition ${partition} of topic "${topic}" in the target log differs from the source: it is not a copy`;
    throw new CopyError('NOT_A_COPY', message);
  }
}

/** Returns the content of the record at each offset, by partition, without records that cannot be read. */
async function readRecords(
  reader: RangeReader,
  places: readonly (TopicPartition & { readonly offset: bigint })[],
): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  const ranges = places.map(({ offset, ...partition }) => ({ ...partition, from: offset, to: offset + 1n }));
  for await (const batch of await reader.readRange({ ranges, onUndecodable: () => undefined })) {
    for (const record of batch.records) found.set(keyOf(batch), contentOf(record));
  }
  return found;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionName(topic, partition);
}

/** The parts of a record that a copy preserves. */
function contentOf(record: LogRecord): unknown {
  const { key, value, timestampMs } = record;
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    timestampMs,
    headers: headersOf(record).map(({ key: name, value: content }) => [
      name,
      content && Buffer.from(content),
    ]),
  };
}
