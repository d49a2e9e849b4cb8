import type { KafkaMessage } from 'kafkajs';
import type { LogRecord } from './record.js';

type Headers = NonNullable<KafkaMessage['headers']>;

/** The headers of records that have one more than once, which {@link LogRecord} cannot show. */
const repeatedHeaders = new WeakMap<LogRecord, Headers>();

/** A record as kafkajs fetched it, in this library's shape. Where a header occurs more than once, the last one counts. */
export function toLogRecord(message: KafkaMessage): LogRecord {
  const headers: Record<string, Buffer> = {};
  let isRepeated = false;
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    isRepeated ||= Array.isArray(value);
    const last = Array.isArray(value) ? value.at(-1) : value;
    headers[name] = Buffer.isBuffer(last) ? last : Buffer.from(last ?? '');
  }
  const record: LogRecord = {
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value,
    headers,
    timestampMs: Number(message.timestamp),
  };
  if (isRepeated && message.headers) repeatedHeaders.set(record, message.headers);
  return record;
}

/** All headers of a record, those that occur more than once included. */
export function allHeaders(record: LogRecord): Headers {
  return repeatedHeaders.get(record) ?? record.headers;
}
