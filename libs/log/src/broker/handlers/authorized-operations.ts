/** Kafka's codes for operations on a resource. */
const Operation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

/**
 * The authorized operations as a bit field of Kafka's codes. There is no authorization: authenticated clients may do
 * everything.
 */
export const AUTHORIZED_OPERATIONS = {
  topic: bitsOf(
    'READ',
    'WRITE',
    'CREATE',
    'DELETE',
    'ALTER',
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
  ),
  group: bitsOf('READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'),
  cluster: bitsOf(
    'CREATE',
    'ALTER',
    'DESCRIBE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ),
} as const;

function bitsOf(...operations: (keyof typeof Operation)[]): number {
  return operations.reduce((bits, operation) => bits | (1 << Operation[operation]), 0);
}
