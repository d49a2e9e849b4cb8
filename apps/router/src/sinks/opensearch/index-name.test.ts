import { describe, expect, it } from 'vitest';
import { indexName, indexPattern } from './index-name.js';

const NEW_YEAR = Date.UTC(2027, 0, 1);

describe(indexName, () => {
  it.each([
    ['events', 'events'],
    ['{topic}', 'ride.trips'],
    ['{topic}-{yyyy}', 'ride.trips-2027'],
    ['ride-{yyyy.MM}', 'ride-2027.01'],
    ['{topic}-{yyyy.MM.dd}', 'ride.trips-2027.01.01'],
  ])('replaces the parameters of %s', (template, name) => {
    expect(indexName(template, 'Ride.Trips', NEW_YEAR)).toBe(name);
  });

  it('uses the date in UTC', () => {
    expect(indexName('{yyyy.MM.dd}', 't', NEW_YEAR - 1)).toBe('2026.12.31');
  });
});

describe(indexPattern, () => {
  it.each([
    ['events', 'events'],
    ['{topic}-{yyyy.MM.dd}', 'ride.trips-*'],
  ])('matches the indexes of %s', (template, pattern) => {
    expect(indexPattern(template, 'Ride.Trips')).toBe(pattern);
  });
});
