import { MAX_CLOCK_AHEAD_MS } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { examples } from '../openapi/examples.js';
import { endpoints, telemetryEndpoint, tripsEndpoint } from './endpoints.js';
import { judgeItem } from './judge-item.js';

const point = examples['telemetry'] as { timestamp: number; provider_id: string };
const trip = examples['trips'] as { end_time: number };
const DAY_MS = 86_400_000;
const maxAgeDays = 30;
const later = { receivedAtMs: point.timestamp + DAY_MS, maxAgeDays, providerId: undefined };

describe(judgeItem, () => {
  it.each(endpoints.map((endpoint) => [endpoint.path, endpoint] as const))(
    'finds nothing wrong with the example of %s',
    (path, endpoint) => {
      expect(judgeItem(examples[path], endpoint, later)).toEqual([]);
    },
  );

  it('takes an event from as far ahead as clocks may be, and none from further', () => {
    const receivedAtMs = point.timestamp - MAX_CLOCK_AHEAD_MS;
    const by = (ms: number) => ({ receivedAtMs: ms, maxAgeDays, providerId: undefined });
    expect(judgeItem(point, telemetryEndpoint, by(receivedAtMs))).toEqual([]);
    expect(judgeItem(point, telemetryEndpoint, by(receivedAtMs - 1))).toMatchObject([
      { kind: 'invalid', field: 'timestamp', rule: expect.stringContaining('5 minutes') },
    ]);
  });

  it('accepts an event of the highest age, and refuses an older one with the limit', () => {
    const by = { ...later, receivedAtMs: point.timestamp + maxAgeDays * DAY_MS };
    expect(judgeItem(point, telemetryEndpoint, by)).toEqual([]);
    expect(judgeItem(point, telemetryEndpoint, { ...by, receivedAtMs: by.receivedAtMs + 1 })).toMatchObject([
      { kind: 'invalid', field: 'timestamp', rule: expect.stringContaining('30 days (EVENTS_MAX_AGE_DAYS)') },
    ]);
  });

  it('looks at the end of a trip', () => {
    const by = { ...later, receivedAtMs: trip.end_time - MAX_CLOCK_AHEAD_MS - 1 };
    expect(judgeItem(trip, tripsEndpoint, by)).toMatchObject([{ field: 'end_time' }]);
  });

  it('takes the events of the caller’s provider alone', () => {
    const other = '0197a1c0-0000-7000-8000-00000000abcd';
    expect(judgeItem(point, telemetryEndpoint, { ...later, providerId: point.provider_id })).toEqual([]);
    expect(judgeItem(point, telemetryEndpoint, { ...later, providerId: other })).toMatchObject([
      { kind: 'invalid', field: 'provider_id', rule: expect.stringContaining(other) },
    ]);
  });
});
