import { describe, expect, it } from 'vitest';
import { eventTimeRule, MAX_CLOCK_AHEAD_MS } from './event-time.js';

const receivedAtMs = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const limits = { receivedAtMs, maxAgeDays: 30 };

describe(eventTimeRule, () => {
  it('accepts times from the maximum age to the allowed clock difference', () => {
    for (const time of [receivedAtMs - 30 * DAY_MS, receivedAtMs, receivedAtMs + MAX_CLOCK_AHEAD_MS]) {
      expect(eventTimeRule(time, limits)).toBeUndefined();
    }
  });

  it('names the limit and the setting if an event is too old', () => {
    expect(eventTimeRule(receivedAtMs - 30 * DAY_MS - 1, limits)).toBe(
      'must not be more than 30 days (EVENTS_MAX_AGE_DAYS) before its receipt',
    );
  });

  it('names the limit if an event is ahead', () => {
    expect(eventTimeRule(receivedAtMs + MAX_CLOCK_AHEAD_MS + 1, limits)).toBe(
      'must not be more than 5 minutes after its receipt',
    );
  });
});
