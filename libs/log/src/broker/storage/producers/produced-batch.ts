import { Codec, MAX_UNPACKED_BYTES, pack, unpack, UnpackError } from '../../../compression/compression.js';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import {
  BATCH_HEADER_BYTES,
  codecOf,
  isLogAppendTime,
  makeBatch,
  readBatchHeader,
  setCreateTime,
  withCodec,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import {
  checkRecords,
  MalformedRecordsError,
  type RecordFault,
  type RecordRules,
} from '../../../protocol/record-check.js';

/** Maximum number of invalid records in an error message. */
const FAULTS_IN_MESSAGE = 3;

/** Codecs by `compression.type`; undefined: that of the producer. */
export const STORED_CODECS: Readonly<Record<string, number | undefined>> = {
  producer: undefined,
  uncompressed: Codec.NONE,
  gzip: Codec.GZIP,
  snappy: Codec.SNAPPY,
  lz4: Codec.LZ4,
  zstd: Codec.ZSTD,
};

/** The rules of a topic for batches that are appended. */
export interface BatchRules extends RecordRules {
  readonly topic: string;
  readonly maxBytes: number;
  readonly codec: number | undefined;
  /** Whether records keep the timestamps of their producer. */
  readonly createTime: boolean;
}

/** An invalid record, by its index in the batch (KIP-467). */
interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

/** A batch was rejected because of invalid records. */
export class InvalidRecordsError extends ProtocolError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly recordErrors: readonly RecordError[],
  ) {
    super(code, message);
  }
}

/**
 * Validates the records of a batch with a valid header, sets its largest timestamp and applies the compression of the
 * topic. May modify `batch`.
 *
 * @throws ProtocolError `INVALID_RECORD`, `MESSAGE_TOO_LARGE`, `UNSUPPORTED_COMPRESSION_TYPE`
 * @throws InvalidRecordsError `INVALID_RECORD`, `INVALID_TIMESTAMP`
 */
export function acceptBatch(
  batch: Buffer,
  header: BatchHeader,
  rules: BatchRules,
): { batch: Buffer; header: BatchHeader } {
  const codec = codecOf(header.attributes);
  const records = unpackRecords(batch, codec);
  const { maxTimestamp, faults, faultCount } = checkOrReject(records, header, rules);
  if (faultCount > 0) throw invalidRecords(faults, faultCount, rules);
  if (rules.createTime) setCreateTime(batch, maxTimestamp);
  const stored = recompress(batch, records, codec, rules);
  const isAsSent =
    stored === batch && header.maxTimestamp === maxTimestamp && !isLogAppendTime(header.attributes);
  return { batch: stored, header: isAsSent ? header : readBatchHeader(stored) };
}

function unpackRecords(batch: Buffer, codec: number): Buffer {
  let records: Buffer | undefined;
  try {
    records = unpack(codec, batch.subarray(BATCH_HEADER_BYTES), MAX_UNPACKED_BYTES);
  } catch (cause) {
    if (!(cause instanceof UnpackError)) throw cause;
    const code = cause.code === 'TOO_LARGE' ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.INVALID_RECORD;
    throw new ProtocolError(code, `cannot decompress the records of a batch: ${cause.message}`, {
      cause,
    });
  }
  if (records !== undefined) return records;
  const message = `compression type ${codec} is not available on this machine`;
  throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message);
}

function checkOrReject(records: Buffer, header: BatchHeader, rules: BatchRules) {
  try {
    return checkRecords(records, header, rules);
  } catch (cause) {
    if (!(cause instanceof MalformedRecordsError)) throw cause;
    throw new ProtocolError(ErrorCode.INVALID_RECORD, cause.message, { cause });
  }
}

function invalidRecords(
  faults: readonly RecordFault[],
  faultCount: number,
  rules: BatchRules,
): InvalidRecordsError {
  const errors = faults.map(({ kind, batchIndex, timestamp }) => ({
    batchIndex,
    message:
      kind === 'no-key'
        ? `records of the compacted topic ${rules.topic} must have a key`
        : `timestamp ${timestamp} is out of range, expected ${rules.timestamps?.earliest} to ${rules.timestamps?.latest}`,
  }));
  const first = errors.slice(0, FAULTS_IN_MESSAGE).map((each) => `${each.batchIndex}: ${each.message}`);
  const message = `batch rejected, ${faultCount} records are invalid: ${first.join('; ')}`;
  const code = faults.some(({ kind }) => kind === 'timestamp')
    ? ErrorCode.INVALID_TIMESTAMP
    : ErrorCode.INVALID_RECORD;
  return new InvalidRecordsError(code, message, errors);
}

/** Compresses the batch with the codec of the topic. If that is not available, gzip or the original codec is used. */
function recompress(batch: Buffer, records: Buffer, codec: number, rules: BatchRules): Buffer {
  if (rules.codec === undefined || rules.codec === codec) return batch;
  const { codec: packedWith, packed } = pack(rules.codec, records);
  if (packedWith !== rules.codec && codec !== Codec.NONE) return batch;
  const header = readBatchHeader(batch);
  const stored = makeBatch(
    {
      ...header,
      attributes: withCodec(header.attributes, packedWith),
      lastOffsetDelta: Number(header.lastOffset - header.baseOffset),
    },
    packed,
  );
  if (stored.length <= rules.maxBytes) return stored;
  const message = `the batch has ${stored.length} bytes with the compression of the topic, at most ${rules.maxBytes} are accepted`;
  throw new ProtocolError(ErrorCode.MESSAGE_TOO_LARGE, message);
}
