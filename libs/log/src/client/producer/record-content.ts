import type { LogHeader, OutgoingHeader, OutgoingRecord } from '../record/record.js';

/** An {@link OutgoingRecord} as it is encoded: texts as bytes, headers as a list, defaults filled in. */
export interface RecordContent {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  readonly timestampMs: number;
  /** -1 to choose one. */
  readonly partition: number;
}

const NO_HEADERS: readonly LogHeader[] = [];

export function toContent(record: OutgoingRecord, nowMs: number): RecordContent {
  const { topic, key, value, headers, partition = -1, timestampMs = nowMs } = record;
  return {
    topic,
    key: toBytes(key),
    value: toBytes(value),
    headers: headers === undefined ? NO_HEADERS : toHeaders(headers),
    timestampMs,
    partition,
  };
}

/** Why no log can have the record; `undefined` if it is valid. */
export function invalidReason({ partition, timestampMs }: OutgoingRecord): string | undefined {
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0)) {
    return `partition: expected an integer from 0, got ${partition}`;
  }
  if (timestampMs !== undefined && !Number.isFinite(timestampMs)) {
    return `timestampMs: expected a number of milliseconds, got ${timestampMs}`;
  }
  return undefined;
}

/** Bytes of key, value and headers. */
export function contentBytes({
  key,
  value,
  headers,
}: Pick<RecordContent, 'key' | 'value' | 'headers'>): number {
  let sizeBytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) sizeBytes += Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  return sizeBytes;
}

function toBytes(content: Buffer | string | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content) : content;
}

function toHeaders(headers: NonNullable<OutgoingRecord['headers']>): LogHeader[] {
  if (isList(headers))
    return headers.map((header) =>
      isEncoded(header) ? header : { key: header.key, value: toBytes(header.value) },
    );
  return Object.entries(headers).map(([key, value]) => ({ key, value: toBytes(value) }));
}

function isList(headers: NonNullable<OutgoingRecord['headers']>): headers is readonly OutgoingHeader[] {
  return Array.isArray(headers);
}

function isEncoded(header: OutgoingHeader): header is LogHeader {
  return typeof header.value !== 'string';
}
