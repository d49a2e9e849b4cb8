import type { Operation } from '../security/access/acl.js';
import type { Access } from '../security/access/authorizer.js';

/** Kafka's codes for operations on a resource. */
const CODES = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  ClusterAction: 9,
  DescribeConfigs: 10,
  AlterConfigs: 11,
  IdempotentWrite: 12,
} as const;

const TOPIC = [
  'Read',
  'Write',
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'DescribeConfigs',
  'AlterConfigs',
] as const;
const GROUP = ['Read', 'Delete', 'Describe', 'DescribeConfigs', 'AlterConfigs'] as const;
const CLUSTER = [
  'Create',
  'Alter',
  'Describe',
  'DescribeConfigs',
  'AlterConfigs',
  'IdempotentWrite',
] as const;

/** The operations that are authorized without ACLs: all of them, as a bit field of Kafka's codes. */
export const AUTHORIZED_OPERATIONS = {
  topic: bitsOf(TOPIC),
  group: bitsOf(GROUP),
  cluster: bitsOf([...CLUSTER, 'ClusterAction']),
} as const;

/** The operations on a topic that a principal may do, as a bit field. */
export function topicOperations(access: Access, name: string): number {
  return bitsOf(TOPIC.filter((operation: Operation) => access.may(operation, 'topic', name)));
}

/** The operations on a group that a principal may do, as a bit field. */
export function groupOperations(access: Access, groupId: string): number {
  return bitsOf(GROUP.filter((operation: Operation) => access.may(operation, 'group', groupId)));
}

/** The operations on the cluster that a principal may do, as a bit field. */
export function clusterOperations(access: Access): number {
  return bitsOf(CLUSTER.filter((operation: Operation) => access.mayCluster(operation)));
}

function bitsOf(operations: readonly (keyof typeof CODES)[]): number {
  return operations.reduce((bits, operation) => bits | (1 << CODES[operation]), 0);
}
