import { eventRegistry } from '@hailstream/events';
import type { LogRecord, TopicPartition } from '@hailstream/log';
import type { Event } from '../../router-file/filter.js';
import type { RoutedRecord } from '../batch-sink.js';
import { eventTimeOf } from '../event.js';
import { SinkError } from '../sink.errors.js';
import type { EventOutput } from '../event-output.js';
import type { IndexNames } from './index-name.js';

/** Of ids in OpenSearch. */
const MAX_ID_BYTES = 512;

/** An index operation of a bulk request. */
export interface BulkOperation {
  readonly record: LogRecord;
  /** The action, without a line feed. */
  readonly action: string;
  /** The event, and the fields to add to it. */
  readonly event: Buffer;
  readonly fields: string;
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
  indexNames: IndexNames,
): BulkOperation {
  const timeMs = eventTimeOf(topic, event, record);
  const index = JSON.stringify(indexNames.nameOf(topic, timeMs));
  const id = JSON.stringify(documentId(event, { topic, partition, offset: record.offset }));
  const version = BigInt(Number.MAX_SAFE_INTEGER) - record.offset;
  const point = pointOf(event);
  const pointField = point ? `,"point":{"lat":${point.lat},"lon":${point.lon}}` : '';
  return {
    record,
    action: `{"index":{"_index":${index},"_id":${id},"version":${version},"version_type":"external"}}`,
    event: withoutFields(record.value!, event, point ? ['@timestamp', 'point'] : ['@timestamp']),
    fields: `"@timestamp":"${new Date(timeMs).toISOString()}"${pointField}`,
  };
}

/** Two lines of a bulk request: the action, and the document. */
export function writeOperation(output: EventOutput, { action, event, fields }: BulkOperation): void {
  output.text(action);
  output.text('\n');
  output.line(event, fields);
}

/** The bytes of an event, without the fields that the document has instead. */
function withoutFields(value: Buffer, event: Event, names: readonly string[]): Buffer {
  if (!names.some((name) => Object.hasOwn(event, name))) return value;
  const rest = Object.entries(event).filter(([name]) => !names.includes(name));
  return Buffer.from(JSON.stringify(Object.fromEntries(rest)));
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
