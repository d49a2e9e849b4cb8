import { describe, expect, it } from 'vitest';
import { compileFilter } from './filter.js';

const event = {
  provider_id: 'a1',
  vehicle_state: 'on_trip',
  event_types: ['trip_start', 'trip_enter_jurisdiction'],
  battery_percent: 20,
  journey_id: null,
  location: { lat: 43.73, lng: 7.42, speed: 8.5 },
};

describe(compileFilter, () => {
  it.each([
    `provider_id = 'a1'`,
    `provider_id = "a1" and vehicle_state != 'available'`,
    `provider_id = 'b' or battery_percent <= 20`,
    `not (provider_id = 'b' or battery_percent > 20)`,
    `event_types contains 'trip_start'`,
    `vehicle_state in ('available', 'on_trip')`,
    `location.speed >= 8.5 and location.lat > -90`,
    `journey_id = null and missing = null`,
    `missing != 'x'`,
    `within(7.40, 43.72, 7.44, 43.76)`,
    `within(170, 40, 10, 50)`,
    `  provider_id='a1'and(battery_percent=20)  `,
  ])('accepts the event: %s', (expression) => {
    expect(compileFilter(expression)(event)).toBe(true);
  });

  it.each([
    `provider_id = 'A1'`,
    `battery_percent = '20'`,
    `battery_percent > '1'`,
    `missing < 5`,
    `event_types = 'trip_start'`,
    `vehicle_state contains 'on'`,
    `within(7.43, 43.72, 7.44, 43.76)`,
    `provider_id = 'a1' and not vehicle_state = 'on_trip' or battery_percent = 3`,
    `toString != null`,
  ])('rejects the event: %s', (expression) => {
    expect(compileFilter(expression)(event)).toBe(false);
  });

  it('finds no location in an event without one', () => {
    expect(compileFilter('within(-180, -90, 180, 90)')({})).toBe(false);
  });

  it.each([
    ['', 'expected a field, got "the end"'],
    ['provider_id', 'expected a comparison after "provider_id", got "the end"'],
    ['provider_id =', 'expected a value, got "the end"'],
    ['provider_id = b', 'expected a value, got "b"'],
    [`provider_id == 'b'`, 'expected a value, got "="'],
    [`(provider_id = 'b'`, 'expected ")", got "the end"'],
    [`provider_id = 'b' provider_id`, 'expected "and" or "or", got "provider_id"'],
    [`provider_id = 'b' ; x`, 'unexpected "; x"'],
    ['within(1, 2, 3)', 'within: expected (west, south, east, north) in degrees'],
    ['and = 1', 'expected a field, got "and"'],
    ['('.repeat(60), 'expected at most 50 levels of parentheses and "not"'],
    ['x'.repeat(4_001), 'expected at most 4000 characters'],
  ])('refuses %s', (expression, message) => {
    expect(() => compileFilter(expression)).toThrow(message);
  });
});
