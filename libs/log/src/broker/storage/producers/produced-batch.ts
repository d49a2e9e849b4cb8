import { Codec, MAX_UNPACKED_BYTES, pack, unpack, UnpackError } from '../../../compression/compression.js';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import {
  BATCH_HEADER_BYTES,
  codecOf,
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

/** Faults that the message of an answer names. */
const FAULTS_IN_MESSAGE = 3;

/** What `compression.type` says: the codec of what is stored; undefined if each producer's is kept. */
export const STORED_CODECS: Readonly<Record<string, number | undefined>> = {
  producer: undefined,
  uncompressed: Codec.NONE,
  gzip: Codec.GZIP,
  snappy: Codec.SNAPPY,
  lz4: Codec.LZ4,
  zstd: Codec.ZSTD,
};

/** What a topic says of the batches that are appended to it. */
export interface BatchRules extends RecordRules {
  readonly topic: string;
  readonly maxBytes: number;
  readonly codec: number | undefined;
  /** Whether records keep the timestamps of their producer. */
  readonly createTime: boolean;
}

/** A record of a batch that was refused, by its place in it (KIP-467). */
export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

/** A batch was refused for some of its records; none of it is stored. */
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
 * Checks the records of a batch whose header is checked already, and makes it what is stored: with the largest
 * timestamp that its records have, and compressed as the topic says. May patch `batch` in place.
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
  const { maxTimestamp, faults, faultCount } = checkOrRefuse(records, header, rules);
  if (faultCount > 0) throw invalidRecords(faults, faultCount, rules);
  if (rules.createTime) setCreateTime(batch, maxTimestamp);
  const stored = recompress(batch, records, codec, rules);
  return { batch: stored, header: readBatchHeader(stored) };
}

function unpackRecords(batch: Buffer, codec: number): Buffer {
  let records: Buffer | undefined;
  try {
    records = unpack(codec, batch.subarray(BATCH_HEADER_BYTES), MAX_UNPACKED_BYTES);
  } catch (cause) {
    if (!(cause instanceof UnpackError)) throw cause;
    const code = cause.code === 'TOO_LARGE' ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.INVALID_RECORD;
    throw new ProtocolError(code, `the records of a batch can not be decompressed: ${cause.message}`, {
      cause,
    });
  }
  if (records !== undefined) return records;
  const message = `nothing on this machine reads compression type ${codec}`;
  throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, message);
}

function checkOrRefuse(records: Buffer, header: BatchHeader, rules: BatchRules) {
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
        ? `topic ${rules.topic} is compacted, and the record has no key`
        : `timestamp ${timestamp} is out of range: expected ${rules.timestamps?.earliest} to ${rules.timestamps?.latest}`,
  }));
  const first = errors.slice(0, FAULTS_IN_MESSAGE).map((each) => `${each.batchIndex}: ${each.message}`);
  const message = `no record of the batch was stored: ${faultCount} are invalid, the first are ${first.join('; ')}`;
  const code = faults.some(({ kind }) => kind === 'timestamp')
    ? ErrorCode.INVALID_TIMESTAMP
    : ErrorCode.INVALID_RECORD;
  return new InvalidRecordsError(code, message, errors);
}

/** The batch with the codec of its topic. Where this machine can't write it, gzip takes its place, or what came. */
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
  const message = `a batch of ${stored.length} bytes as the topic compresses it, at most ${rules.maxBytes} are accepted`;
  throw new ProtocolError(ErrorCode.MESSAGE_TOO_LARGE, message);
}
