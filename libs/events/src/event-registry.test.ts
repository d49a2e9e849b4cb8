import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { Uuid, Timestamp } from './schema/primitives.js';
import { createEventRegistry } from './registry/create-event-registry.js';
import { defineEventFamily } from './registry/event-family.js';
import { eventRegistry } from './event-registry.js';

const ping = {
  name: 'pings',
  schemaName: 'Ping',
  path: '/pings',
  summary: 'Report pings',
  description: 'A ping.',
  topic: { name: 'ride.pings', partitions: 1 },
  fields: { id: 'ping_id', key: 'ping_id', time: 'sent_at' },
  table: 'pings',
  schema: Type.Object({ provider_id: Uuid, ping_id: Uuid, sent_at: Timestamp }),
  example: {
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    ping_id: '0197a1c5-3c4e-7a16-8f72-6bad1e4f8c33',
    sent_at: 1_750_320_000_000,
  },
} as const;

describe('eventRegistry', () => {
  it('has the topics, keys and partitions that consumers rely on', () => {
    expect(
      eventRegistry.families.map(({ path, topic, fields }) => [
        path,
        topic.name,
        fields.key,
        topic.partitions,
      ]),
    ).toEqual([
      ['/telemetry', 'ride.telemetry', 'device_id', 12],
      ['/events', 'ride.vehicle-events', 'device_id', 12],
      ['/rider-events', 'ride.rider-events', 'trip_id', 12],
      ['/trips', 'ride.trips', 'trip_id', 12],
    ]);
    expect(eventRegistry.topics.slice(-2)).toEqual([
      { name: 'ride.dead-letter', partitions: 3 },
      { name: 'ride.audit', partitions: 3 },
    ]);
  });
});

describe(createEventRegistry, () => {
  it('finds an added family by name and by topic', () => {
    const family = defineEventFamily(ping);
    const registry = createEventRegistry([...eventRegistry.families, family]);
    expect(registry.byName.get('pings')).toBe(family);
    expect(registry.byTopic.get('ride.pings')).toBe(family);
    expect(registry.topics).toContainEqual(ping.topic);
  });

  it.each([
    ['name', { name: 'telemetry' }],
    ['schema name', { schemaName: 'Telemetry' }],
    ['path', { path: '/telemetry' }],
    ['topic', { topic: { name: 'ride.telemetry', partitions: 1 } }],
    ['table', { table: 'telemetry' }],
  ])('rejects a family with the %s of another one', (property, change) => {
    const family = defineEventFamily({ ...ping, ...change });
    expect(() => createEventRegistry([...eventRegistry.families, family])).toThrow(`the same ${property}`);
  });
});

describe(defineEventFamily, () => {
  it('reads id, key, event time and provider from the fields', () => {
    const family = defineEventFamily(ping);
    const { example } = family;
    expect(family.id(example)).toBe(example.ping_id);
    expect(family.key(example)).toBe(example.ping_id);
    expect(family.eventTime(example)).toBe(example.sent_at);
    expect(family.providerId(example)).toBe(example.provider_id);
    expect(family.normalize(example)).toBe(example);
  });

  it('rejects an invalid example', () => {
    const example = { ...ping.example, sent_at: 0 };
    expect(() => defineEventFamily({ ...ping, example })).toThrow('example of pings: sent_at must be >=');
  });
});
