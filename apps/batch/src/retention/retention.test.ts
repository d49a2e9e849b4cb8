import { describe, expect, it } from 'vitest';
import { tablesByTopic } from '../rows/tables.js';
import { expiringTables } from './expiring-tables.js';
import { parseRetention, Retention } from './retention.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 29, 15, 30);
const TODAY = Date.UTC(2026, 10, 29) / DAY_MS;
const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';
const tables = expiringTables(tablesByTopic);
const parse = (text: string) => parseRetention(text, tables);

function retention(text: string): Retention {
  const parsed = parse(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

describe(parseRetention, () => {
  it('reads a rule for each table and provider', () => {
    const text = ` telemetry=90d, trips = 5y,telemetry/${PROVIDER.toUpperCase()}=4w,rider_events=forever,dead_letters=30d`;
    expect(retention(text).rules).toEqual([
      { table: 'telemetry', providerId: null, days: 90 },
      { table: 'trips', providerId: null, days: 1_825 },
      { table: 'telemetry', providerId: PROVIDER, days: 28 },
      { table: 'rider_events', providerId: null, days: Infinity },
      { table: 'dead_letters', providerId: null, days: 30 },
    ]);
  });

  it('keeps everything without a rule', () => {
    const all = retention('');
    expect([all.rules, all.firstKeptDay('telemetry', NOW), all.expiry('telemetry', NOW)]).toEqual([
      [],
      -Infinity,
      undefined,
    ]);
  });

  it.each([
    ['telemetry', 'telemetry: not TABLE=AGE'],
    ['telemetry=1d=2d', 'not TABLE=AGE'],
    [
      'positions=90d',
      'no such table, expected telemetry, vehicle_events, rider_events, trips, rebuilt_trips, dead_letters',
    ],
    ['telemetry/acme=90d', 'the provider is not a UUID'],
    [`dead_letters/${PROVIDER}=90d`, 'rows of dead_letters have no provider'],
    ['telemetry=90', 'not an age from 1d to 36500d, or forever'],
    ['telemetry=0d', 'not an age'],
    ['telemetry=101y', 'not an age'],
    ['telemetry=90m', 'not an age'],
    ['telemetry=90d,telemetry=80d', 'telemetry=80d: there is already a rule for telemetry'],
  ])('refuses %s', (text, problem) => {
    expect(parse(text)).toContain(problem);
  });
});

describe(Retention, () => {
  const at = (daysAgo: number, ms = 0): number => (TODAY - daysAgo) * DAY_MS + ms;

  it('keeps an event for at least its age, in whole UTC days', () => {
    const isExpired = retention('telemetry=90d').expiry('telemetry', NOW)!;
    expect(isExpired(PROVIDER, at(90))).toBe(false);
    expect(isExpired(PROVIDER, at(90, -1))).toBe(true);
    expect(retention('telemetry=90d').firstKeptDay('telemetry', NOW)).toBe(TODAY - 90);
  });

  it('applies the rule of a provider instead of that of the table', () => {
    const both = retention(`telemetry=10d,telemetry/${PROVIDER}=30d`);
    const isExpired = both.expiry('telemetry', NOW)!;
    expect([isExpired(PROVIDER, at(20)), isExpired('other', at(20))]).toEqual([false, true]);
    expect(both.firstKeptDay('telemetry', NOW)).toBe(TODAY - 30);
  });

  it('drops no partition if only providers have rules, or one of them keeps rows forever', () => {
    expect(retention(`trips/${PROVIDER}=30d`).firstKeptDay('trips', NOW)).toBe(-Infinity);
    expect(retention(`trips=30d,trips/${PROVIDER}=forever`).firstKeptDay('trips', NOW)).toBe(-Infinity);
  });
});
