import type { RecordCursor } from '../protocol/record-cursor.js';
import type { LogHeader, LogRecord } from './record.js';

/** Headers of records that {@link LogRecord.headers} cannot show as they are: repeated, null, or in another order. */
const exactHeaders = new WeakMap<LogRecord, readonly LogHeader[]>();

const NO_HEADERS: LogRecord['headers'] = Object.freeze(emptyHeaders());
/** Property names that an object puts before all others. */
const INDEX = /^(0|[1-9]\d{0,9})$/;

/** The record that a cursor stands on. Its buffers are borrowed from the batch. */
export function makeLogRecord(cursor: RecordCursor, offset: bigint, timestampMs: number): LogRecord {
  const { key, value } = cursor;
  if (cursor.headerCount === 0) return { offset, key, value, headers: NO_HEADERS, timestampMs };
  const list = cursor.headers();
  const headers = emptyHeaders();
  let isExact = true;
  for (const header of list) {
    isExact &&= header.value !== null && !(header.key in headers) && !INDEX.test(header.key);
    headers[header.key] = header.value ?? Buffer.alloc(0);
  }
  const record: LogRecord = { offset, key, value, headers, timestampMs };
  if (!isExact) exactHeaders.set(record, list);
  return record;
}

/** All headers of a record in its order, those that occur more than once or have no value included. */
export function headersOf(record: LogRecord): readonly LogHeader[] {
  const exact = exactHeaders.get(record);
  return exact ?? Object.entries(record.headers).map(([key, value]) => ({ key, value }));
}

/** Without a prototype: a header may have any name. */
function emptyHeaders(): Record<string, Buffer> {
  return Object.create(null) as Record<string, Buffer>;
}
