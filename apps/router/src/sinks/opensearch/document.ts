import { eventRegistry } from '@hailstream/events';
import type { LogRecord, TopicPartition } from '@hailstream/log';
import type { Event } from '../../router-file/filter.js';
import type { RoutedRecord } from '../batch-sink.js';
import { eventTimeOf } from '../event.js';
import { SinkError } from '../sink.errors.js';
import { indexName } from './index-name.js';

/** Of ids in OpenSearch. */
const MAX_ID_BYTES = 512;

/** An operation of a bulk request: a document, and where it is stored. */
export interface BulkOperation {
  readonly record: LogRecord;
  /** Two lines: the action, and the document. */
  readonly text: string;
}

/**
 * Indexes an event unless it is stored already. The version decreases with the offset, so of several records with the same
 * event the first one in the log is kept, however often and in which order they are delivered.
 *
 * @throws Error if the event has no id or no time
 */
export function toBulkOperation(
  { record, event }: RoutedRecord,
  { topic, partition }: TopicPartition,
  indexTemplate: string,
): BulkOperation {
  const timeMs = eventTimeOf(topic, event, record);
  const action = {
    index: {
      _index: indexName(indexTemplate, topic, timeMs),
      _id: documentId(event, { topic, partition, offset: record.offset }),
      version: Number(BigInt(Number.MAX_SAFE_INTEGER) - record.offset),
      version_type: 'external',
    },
  };
  const point = pointOf(event);
  const document = {
    ...event,
    '@timestamp': new Date(timeMs).toISOString(),
    ...(point && { point }),
  };
  return { record, text: `${JSON.stringify(action)}\n${JSON.stringify(document)}\n` };
}

function documentId(
  event: Event,
  { topic, partition, offset }: TopicPartition & { readonly offset: bigint },
): string {
  const family = eventRegistry.byTopic.get(topic);
  if (family === undefined) return `${topic}-${partition}-${offset}`;
  const names = ['provider_id', family.fields.id];
  const ids = names.map((name) => {
    const id = event[name];
    if (typeof id === 'string' && id !== '') return id;
    throw new SinkError('REFUSED', `${name}: expected a string`, { retryable: false });
  });
  const id = ids.join(':');
  if (Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  throw new SinkError('REFUSED', `${names.join(' and ')} have more than ${MAX_ID_BYTES} bytes`, {
    retryable: false,
  });
}

/** The event's location as a geo_point; `undefined` if it has none. */
function pointOf({ location }: Event): { readonly lat: number; readonly lon: number } | undefined {
  if (typeof location !== 'object' || location === null) return undefined;
  const { lat, lng } = location as { readonly lat?: unknown; readonly lng?: unknown };
  return typeof lat === 'number' && typeof lng === 'number' ? { lat, lon: lng } : undefined;
}
