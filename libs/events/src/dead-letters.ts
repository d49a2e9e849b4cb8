/**
 * A dead letter in the responses of the realtime service. Topic, partition and offset are those of the record. Offsets are
 * decimal, times are ISO 8601; `null` for a time outside the years that it can represent.
 */
export interface DeadLetterSummary {
  readonly id: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Only of a batch that cannot be decoded. */
  readonly lastOffset?: string;
  readonly reason: string;
  readonly errorName: string;
  readonly attempts: number;
  /** How often the record had been redriven before. */
  readonly redrives: number;
  readonly receivedAt: string | null;
  readonly firstWrittenAt: string | null;
  readonly lastWrittenAt: string | null;
  /** `null` while it is open. */
  readonly redrivenAt: string | null;
}

/** Dead letters of one consumer group and topic with the same reason. */
export interface DeadLetterGroupSummary {
  readonly group: string;
  readonly topic: string;
  /** Their reasons, without numbers and quoted texts. */
  readonly pattern: string;
  /** The reason of the latest one. */
  readonly reason: string;
  readonly count: number;
  readonly redriven: number;
  readonly firstWrittenAt: string | null;
  readonly lastWrittenAt: string | null;
}

/** Response of `GET /dead-letters`. */
export interface DeadLetterPage {
  /** Dead letters that match the filter. */
  readonly total: number;
  /** Whether everything that the log has is included; otherwise the topic is still being read, or cannot be read. */
  readonly isCurrent: boolean;
  /** Whether the topic has older dead letters that are not included. */
  readonly truncated: boolean;
  /** All of the filter, those with the latest dead letter first. */
  readonly groups: readonly DeadLetterGroupSummary[];
  /** This page, latest first. */
  readonly deadLetters: readonly DeadLetterSummary[];
  /** The `cursor` of the next page; `null` if this is the last one. */
  readonly next: string | null;
}

/** Bytes of a record: as text if they are printable UTF-8, otherwise in hexadecimal. */
export interface RecordBytes {
  readonly sizeBytes: number;
  readonly encoding: 'utf8' | 'hex';
  readonly content: string;
  /** Whether `content` has only the first bytes. */
  readonly isTruncated: boolean;
}

interface OmittedBytes {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Response of `GET /dead-letters/record`: a dead letter with its record. */
export interface DeadLetterDetail extends DeadLetterSummary {
  readonly key: RecordBytes | null;
  readonly headers: readonly { readonly name: string; readonly value: RecordBytes | null }[];
  readonly value: RecordBytes | null;
  /** Set if the key or the value was too large to be kept. */
  readonly omittedKey?: OmittedBytes;
  readonly omittedValue?: OmittedBytes;
}
