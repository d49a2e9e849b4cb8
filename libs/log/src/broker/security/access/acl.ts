/** Operations on resources, by Kafka's names. */
export const OPERATIONS = [
  'Read',
  'Write',
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'DescribeConfigs',
  'AlterConfigs',
  'IdempotentWrite',
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Types of resources. */
export const RESOURCE_TYPES = ['topic', 'group', 'transactional-id', 'cluster'] as const;

export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** Allows a principal operations on the resources that match. There are no rules that deny. */
export interface Acl {
  /** `User:name`, or `User:*` for every principal. */
  readonly principal: string;
  /** Including those that the listed ones imply. */
  readonly operations: ReadonlySet<Operation>;
  readonly resourceType: ResourceType;
  /** A name, a prefix of names, or `*` for every name. */
  readonly resourceName: string;
  readonly pattern: 'literal' | 'prefixed';
}

/** The principal and the resource name that match everything. */
export const ANY_PRINCIPAL = 'User:*';
export const ANY_RESOURCE = '*';
/** The only resource of type cluster, by Kafka's name. */
export const CLUSTER = 'kafka-cluster';

/** Operations that others imply, as in Kafka. */
const IMPLIED: Partial<Record<Operation, readonly Operation[]>> = {
  Read: ['Describe'],
  Write: ['Describe'],
  Delete: ['Describe'],
  Alter: ['Describe'],
  AlterConfigs: ['DescribeConfigs'],
};

/** The operations, and those that they imply. */
export function withImplied(operations: readonly Operation[]): ReadonlySet<Operation> {
  return new Set(operations.flatMap((operation) => [operation, ...(IMPLIED[operation] ?? [])]));
}
