import { eventRegistry, MAX_CLOCK_AHEAD_MS, telemetryFamily, tripFamily } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { validateItem } from './validate-item.js';

const point = telemetryFamily.example;
const trip = tripFamily.example;
const DAY_MS = 86_400_000;
const maxAgeDays = 30;
const later = { receivedAtMs: point.timestamp + DAY_MS, maxAgeDays, providerId: undefined };

describe(validateItem, () => {
  it.each(eventRegistry.families.map((family) => [family.name, family] as const))(
    'accepts the example of %s',
    (_, family) => {
      expect(validateItem(family.example, family, later)).toEqual([]);
    },
  );

  it('accepts an event up to the allowed clock difference ahead, and rejects a later one', () => {
    const receivedAtMs = point.timestamp - MAX_CLOCK_AHEAD_MS;
    const rules = (ms: number) => ({ receivedAtMs: ms, maxAgeDays, providerId: undefined });
    expect(validateItem(point, telemetryFamily, rules(receivedAtMs))).toEqual([]);
    expect(validateItem(point, telemetryFamily, rules(receivedAtMs - 1))).toMatchObject([
      { kind: 'invalid', field: 'timestamp', rule: expect.stringContaining('5 minutes') },
    ]);
  });

  it('accepts an event of the maximum age, and rejects an older one naming the limit', () => {
    const rules = { ...later, receivedAtMs: point.timestamp + maxAgeDays * DAY_MS };
    expect(validateItem(point, telemetryFamily, rules)).toEqual([]);
    expect(
      validateItem(point, telemetryFamily, { ...rules, receivedAtMs: rules.receivedAtMs + 1 }),
    ).toMatchObject([
      { kind: 'invalid', field: 'timestamp', rule: expect.stringContaining('30 days (EVENTS_MAX_AGE_DAYS)') },
    ]);
  });

  it('checks the end time of a trip', () => {
    const rules = { ...later, receivedAtMs: trip.end_time - MAX_CLOCK_AHEAD_MS - 1 };
    expect(validateItem(trip, tripFamily, rules)).toMatchObject([{ field: 'end_time' }]);
  });

  it("accepts events of the token's provider only", () => {
    const other = '0197a1c0-0000-7000-8000-00000000abcd';
    expect(validateItem(point, telemetryFamily, { ...later, providerId: point.provider_id })).toEqual([]);
    expect(validateItem(point, telemetryFamily, { ...later, providerId: other })).toMatchObject([
      { kind: 'invalid', field: 'provider_id', rule: expect.stringContaining(other) },
    ]);
  });
});
