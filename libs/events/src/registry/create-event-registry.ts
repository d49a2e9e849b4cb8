import type { EventFamily, TopicSpec } from './event-family.js';

/** Records that a consumer could not handle, unchanged; headers carry their origin, the reason and the number of attempts. */
export const deadLetterTopic = { name: 'ride.dead-letter', partitions: 3 } as const satisfies TopicSpec;

/**
 * Alerts that rules raise: the key is the id of the alert, the value an `AlertRecord`. They are not events of devices: ingest
 * does not accept them, and batch does not load them.
 */
export const alertTopic = { name: 'ride.alerts', partitions: 1 } as const satisfies TopicSpec;

/** The zones that were drawn on the page: the key is the id, the value a `ZoneFeature`, `null` once it is removed. */
export const zoneTopic = {
  name: 'ride.zones',
  partitions: 1,
  configs: { 'cleanup.policy': 'compact' },
} as const satisfies TopicSpec;

/**
 * Orders to erase a rider or a device: the key is the id, the value an `ErasureRecord`. The log has the id until its retention
 * deletes the record, which is later than that of the events before it.
 */
export const erasureTopic = { name: 'ride.erasures', partitions: 1 } as const satisfies TopicSpec;

/**
 * Sessions of the page that were signed out, and their tokens: the key is the kind and the id, the value a `RevocationRecord`,
 * `null` once it has expired.
 */
export const sessionTopic = {
  name: 'ride.sessions',
  partitions: 1,
  configs: { 'cleanup.policy': 'compact' },
} as const satisfies TopicSpec;

/** Numbers of accepted and rejected items: the value is an `AuditRecord`. */
export const auditTopic = { name: 'ride.audit', partitions: 3 } as const satisfies TopicSpec;

/** The consumer group of batch's dead letters. Batch itself loads their records again. */
export const batchGroup = 'hailstream-batch';

/** A set of event families. */
export interface EventRegistry {
  readonly families: readonly EventFamily[];
  /** Every topic of the system: those of the families, alerts, drawn zones, erasures, revoked sessions, dead letters and audit records. */
  readonly topics: readonly TopicSpec[];
  readonly byName: ReadonlyMap<string, EventFamily>;
  /** By name of the topic. */
  readonly byTopic: ReadonlyMap<string, EventFamily>;
}

/** @throws TypeError if two families share a name, schema name, path, topic or table */
export function createEventRegistry(families: readonly EventFamily[]): EventRegistry {
  requireDistinct('name', families, ({ name }) => name);
  requireDistinct('schema name', families, ({ schemaName }) => schemaName);
  requireDistinct('path', families, ({ path }) => path);
  requireDistinct('topic', families, ({ topic }) => topic.name);
  requireDistinct('table', families, ({ table }) => table);
  return {
    families,
    topics: [
      ...families.map(({ topic }) => topic),
      alertTopic,
      zoneTopic,
      erasureTopic,
      sessionTopic,
      deadLetterTopic,
      auditTopic,
    ],
    byName: new Map(families.map((family) => [family.name, family])),
    byTopic: new Map(families.map((family) => [family.topic.name, family])),
  };
}

function requireDistinct(
  property: string,
  families: readonly EventFamily[],
  valueOf: (family: EventFamily) => string | null,
): void {
  const owners = new Map<string, string>();
  for (const family of families) {
    const value = valueOf(family);
    if (value === null) continue;
    const owner = owners.get(value);
    if (owner !== undefined) {
      throw new TypeError(`event families ${owner} and ${family.name} have the same ${property}: ${value}`);
    }
    owners.set(value, family.name);
  }
}
