import { isDeepStrictEqual } from 'node:util';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { Admin, TopicIdentity } from './admin/admin.js';
import { createBatchConsumer } from './consumer/group-consumer.js';
import { type LogRecord, headersOf } from './record/record.js';
import { type TopicPartition, partitionId } from './record/topic-partition.js';
import type { LogConnection } from './shared/connection.js';
import { LogError } from './shared/errors.js';

const GROUP_ID = 'copy-topics-check';
/** Longest that reading single records takes. */
const READ_TIMEOUT_MS = 60_000;

/** A partition, and which record there is the last copy of which record here. */
export interface LastCopied extends TopicPartition {
  readonly lastCopied: { readonly here: bigint; readonly there: bigint } | undefined;
}

type Place = TopicPartition & { readonly offset: bigint };

/**
 * Compares the last record that was copied before with what it is to be a copy of: a target may have been filled from a
 * topic that was deleted and created again since, or whose first records are gone.
 *
 * @throws LogError `TOPIC_MISMATCH`
 */
export async function requireCopies(
  copies: readonly LastCopied[],
  { from, to, logger }: { readonly from: LogConnection; readonly to: LogConnection; readonly logger: Logger },
): Promise<void> {
  const here: Place[] = [];
  const there: Place[] = [];
  for (const { topic, partition, lastCopied } of copies) {
    if (!lastCopied) continue;
    here.push({ topic, partition, offset: lastCopied.here });
    there.push({ topic, partition, offset: lastCopied.there });
  }
  if (here.length === 0) return;
  const originals = await readRecords(here, from, logger);
  const written = await readRecords(there, to, logger);
  for (const { topic, partition } of here) {
    const id = partitionId({ topic, partition });
    if (isDeepStrictEqual(originals.get(id), written.get(id))) continue;
    const message = `the last record in partition ${partition} of topic "${topic}" there is not the one here: they are not copies`;
    throw new LogError('TOPIC_MISMATCH', message, false);
  }
}

/** What a copy has of a record. */
function contentOf(record: LogRecord): unknown {
  const { key, value, timestampMs } = record;
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    timestampMs,
    headers: headersOf(record).map(({ key: name, value: text }) => [name, text && Buffer.from(text)]),
  };
}

/** The record at each place, by partition; none where there is none. */
async function readRecords(
  places: readonly Place[],
  connection: LogConnection,
  logger: Logger,
): Promise<Map<string, unknown>> {
  const wanted = new Map(places.map((place) => [partitionId(place), place.offset]));
  const found = new Map<string, unknown>();
  const passed = new Set<string>();
  const done = new AbortController();
  const pass = (id: string, nextOffset: bigint): void => {
    const offset = wanted.get(id);
    if (offset === undefined || nextOffset <= offset) return;
    passed.add(id);
    if (passed.size === wanted.size) done.abort();
  };
  await using consumer = createBatchConsumer({
    connection,
    logger,
    groupId: GROUP_ID,
    topics: [...new Set(places.map(({ topic }) => topic))],
    offsets: {
      kind: 'handler-owned',
      position: async (topic, partition) => wanted.get(partitionId({ topic, partition })),
    },
    onPosition: (position) => pass(partitionId(position), position.nextOffset),
    onUndecodable: async () => undefined,
    handler: async (batch) => {
      const id = partitionId(batch);
      const record = batch.records.find(({ offset }) => offset === wanted.get(id));
      if (record) found.set(id, contentOf(record));
      pass(id, batch.nextOffset);
      consumer.pause([{ topic: batch.topic, partition: batch.partition }]);
    },
  });
  await consumer.start();
  await Promise.race([sleep(READ_TIMEOUT_MS, done.signal), consumer.ended]);
  if (!done.signal.aborted)
    throw new LogError('TIMED_OUT', 'the last copied records could not be read', true);
  return found;
}

/** Nothing, of a cluster without topic ids. */
export async function identitiesOf(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicIdentity>> {
  try {
    return await admin.identities(topics);
  } catch (error) {
    if (error instanceof LogError && error.code === 'REFUSED') return new Map();
    throw error;
  }
}

/** @throws LogError `TOPIC_MISMATCH` if one is another topic by now */
export function requireSameTopics(
  before: ReadonlyMap<string, TopicIdentity>,
  after: ReadonlyMap<string, TopicIdentity>,
): void {
  for (const [topic, identity] of before) {
    if (isDeepStrictEqual(after.get(topic), identity)) continue;
    const message = `topic "${topic}" was deleted and created again while it was copied`;
    throw new LogError('TOPIC_MISMATCH', message, false);
  }
}
