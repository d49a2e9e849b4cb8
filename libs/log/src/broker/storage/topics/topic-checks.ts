import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';

const LONGEST_NAME = 249;
/** Maximum number of partitions of a topic: each has open files. */
const MAX_PARTITIONS = 10_000;

/** @throws ProtocolError `INVALID_PARTITIONS` */
export function checkPartitionCount(count: number): void {
  if (count >= 1 && count <= MAX_PARTITIONS) return;
  throw new ProtocolError(
    ErrorCode.INVALID_PARTITIONS,
    `Number of partitions must be from 1 to ${MAX_PARTITIONS}, got ${count}.`,
  );
}

/** @throws ProtocolError `INVALID_TOPIC_EXCEPTION` if the name is not valid in Kafka */
export function checkTopicName(name: string): void {
  const problem =
    name === ''
      ? 'it is empty'
      : name === '.' || name === '..'
        ? "it is '.' or '..'"
        : name.length > LONGEST_NAME
          ? `it is longer than ${LONGEST_NAME} characters`
          : /[^a-zA-Z0-9._-]/.test(name)
            ? "it has a character other than ASCII alphanumerics, '.', '_' and '-'"
            : undefined;
  if (problem === undefined) return;
  throw new ProtocolError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${problem}`);
}

/** @throws ProtocolError `INVALID_TOPIC_EXCEPTION` if the names of two topics differ only in dots and underscores */
export function checkNoTwin(name: string, others: Iterable<string>): void {
  // Kafka replaces dots in the names of metrics.
  const asMetric = (topic: string) => topic.replaceAll('.', '_');
  for (const other of others) {
    if (asMetric(other) !== asMetric(name)) continue;
    throw new ProtocolError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with '${other}': metric names do not distinguish . and _.`,
    );
  }
}
