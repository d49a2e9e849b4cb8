import { telemetryFamily, tripFamily } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { eventKeyIn } from './event-key.js';

const id = '00000000-0000-7000-8000-00000000000a';
const providerId = '00000000-0000-7000-8000-00000000000b';
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe(eventKeyIn, () => {
  it('returns id, provider and event time, also of an event that the schema rejects', () => {
    const event = {
      telemetry_id: id.toUpperCase(),
      provider_id: providerId,
      timestamp: 7,
      location: 'nowhere',
    };
    expect(eventKeyIn(telemetryFamily, bytes(event))).toEqual({ id, providerId, timeMs: 7 });
    const trip = { trip_id: id, provider_id: providerId, end_time: 8, start_time: 1 };
    expect(eventKeyIn(tripFamily, bytes(trip))).toEqual({ id, providerId, timeMs: 8 });
  });

  it.each([
    null,
    Buffer.from('not JSON'),
    bytes(null),
    bytes('text'),
    bytes([]),
    bytes({ telemetry_id: id, provider_id: providerId }),
    bytes({ telemetry_id: id, provider_id: providerId, timestamp: '7' }),
    bytes({ telemetry_id: id, provider_id: providerId, timestamp: 7.5 }),
    bytes({ telemetry_id: id, provider_id: providerId, timestamp: 9e15 }),
    bytes({ telemetry_id: 'x', provider_id: providerId, timestamp: 7 }),
    bytes({ telemetry_id: id, provider_id: 7, timestamp: 7 }),
  ])('returns undefined for a record that cannot have a row: %s', (value) => {
    expect(eventKeyIn(telemetryFamily, value)).toBeUndefined();
  });
});
