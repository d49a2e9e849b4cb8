/** Kafka's numbers of what a client may do with a resource. */
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

/** Said to clients that did not ask. */
export const OPERATIONS_NOT_ASKED = -2147483648;

/**
 * What clients may do, as bits by Kafka's numbers. There is no authorization: whoever is admitted may do everything that
 * there is to do.
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
