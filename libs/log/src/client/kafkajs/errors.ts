import { nameOf } from '../../protocol/error-codes.js';
import { LogError } from '../core/errors.js';

/** The parts of a kafkajs error that are used here. Its classes can be distinguished by name only. */
interface KafkajsError extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
}

/** The error code of a response that kafkajs does not decode. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  readonly type: string;

  constructor(errorCode: number, message?: string | null) {
    super(message ?? nameOf(errorCode));
    this.type = nameOf(errorCode);
  }
}

/** Error codes after which the producer's sequence numbers are invalid. */
const SEQUENCE_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
]);

const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING', 'PRODUCER_FENCED']);

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_FETCH_SIZE']);

/** Error codes that no retry changes: a setting, a permission or the request must be changed. */
const REFUSALS = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_CONFIG',
  'INVALID_GROUP_ID',
  'INVALID_PARTITIONS',
  'INVALID_RECORD',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_REQUEST',
  'INVALID_REQUIRED_ACKS',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'OFFSET_METADATA_TOO_LARGE',
  'POLICY_VIOLATION',
  'SASL_AUTHENTICATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_SASL_MECHANISM',
  'UNSUPPORTED_VERSION',
]);

/** INVALID_RECORD, for which kafkajs has no name. */
const UNNAMED_REFUSAL = 'Unknown error code 87';

const REFUSAL_CLASSES = new Set(['KafkaJSSASLAuthenticationError', 'KafkaJSServerDoesNotSupportApiKey']);

/** Error codes that pass: a broker or coordinator moves or starts, or the transaction before is being completed. */
const TRANSIENT = new Set([
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  // A new topic is not known to all brokers at once.
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

const TRANSIENT_CLASSES = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSRequestTimeoutError',
]);

/** Whether the same request may succeed on another connection or a little later. */
export function isTransient(error: unknown): boolean {
  const { name, type } = rootCause(error);
  return type === undefined ? TRANSIENT_CLASSES.has(name) : TRANSIENT.has(type);
}

export function isSequenceLost(error: unknown): boolean {
  return SEQUENCE_LOST.has(rootCause(error).type ?? '');
}

/** Whether a newer producer has the same transactional id, or the coordinator has aborted the transaction. */
export function isFenced(error: unknown): boolean {
  return FENCED.has(rootCause(error).type ?? '');
}

export function isRequestTimeout(error: unknown): boolean {
  return rootCause(error).name === 'KafkaJSRequestTimeoutError';
}

export function isUnknownTopic(error: unknown): boolean {
  return rootCause(error).type === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** Whether the metadata is out of date, so that another broker has to be asked. */
export function isLeaderMoved(error: unknown): boolean {
  const { name, type } = rootCause(error);
  return name === 'KafkaJSBrokerNotFound' || type === 'NOT_LEADER_FOR_PARTITION';
}

/** Whether no broker returned metadata: kafkajs then drops the errors and fails with a TypeError. */
export function isMetadataMissing(error: unknown): boolean {
  const cause = rootCause(error);
  return cause instanceof TypeError && cause.message.includes("(reading 'topicMetadata')");
}

/** Whether the group rebalances or no longer knows this member. In both cases the member has to join again. */
export function isRebalance(error: unknown): boolean {
  return ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(
    rootCause(error).type ?? '',
  );
}

/** Converts an error of kafkajs. `doing` starts the message, for example `cannot append`. */
export function toLogError(error: unknown, doing: string): LogError {
  if (error instanceof LogError) return error;
  const cause = rootCause(error);
  const message = `${doing}: ${isMetadataMissing(cause) ? 'no broker returned metadata' : cause.message}`;
  const type = cause.type ?? '';
  if (TOO_LARGE.has(type)) return new LogError('RECORD_TOO_LARGE', message, false, { cause });
  if (REFUSALS.has(type) || REFUSAL_CLASSES.has(cause.name) || cause.message === UNNAMED_REFUSAL) {
    return new LogError('REFUSED', message, false, { cause });
  }
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return new LogError('UNKNOWN_TOPIC', message, true, { cause });
  if (isRequestTimeout(cause)) return new LogError('TIMED_OUT', message, true, { cause });
  return new LogError('UNAVAILABLE', message, true, { cause });
}

/** kafkajs wraps an error once for each layer that gave up; the innermost is the cause. */
function rootCause(error: unknown): KafkajsError {
  let current: unknown = error;
  while (current instanceof Error && current.cause instanceof Error && current.cause !== current) {
    current = current.cause;
  }
  if (hasErrors(current) && current.errors[0] instanceof Error) current = current.errors[0];
  return current instanceof Error ? current : new Error(String(current));
}

/** Admin calls for several resources collect their errors in one. */
function hasErrors(error: unknown): error is { errors: unknown[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
