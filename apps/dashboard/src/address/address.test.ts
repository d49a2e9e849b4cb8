import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, parameterNames, parameters, parseAddress } from './address.js';

const provider = '2411d395-04f2-47c9-ab66-d09e9e3c3251';
const device = '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10';

const initial = Object.fromEntries(parameterNames.map((name) => [name, parameters[name].initial])) as Address;

const everything: Address = {
  ...initial,
  view: 'table',
  map: { zoom: 14.25, center: [7.4246, 43.7384] },
  states: new Set(['stopped', 'unknown']),
  vehicle: { deviceId: device, providerId: provider },
  at: Date.UTC(2026, 10, 29, 8, 42, 10),
  by: 'received',
  trip: { providerId: provider, tripId: device },
  provider,
  battery: 20,
  contact: 'quiet',
  labels: 'battery',
  follow: true,
  heat: 'balance',
  minutes: 30,
  kpis: 'day',
  list: 'still',
  over: 80,
  within: 'hour',
  still: 15,
  stillin: 'on_trip',
  colors: 'provider',
  riders: 'hidden',
  alerts: 'zones',
  zones: 'hidden',
  q: 'on trip',
  sort: { column: 'speed', direction: 'descending' },
  trip_text: 'b22 ended',
  stage: 'cancelled',
  from: Date.UTC(2026, 10, 28, 8, 42),
  to: Date.UTC(2026, 10, 28, 8, 42, 30),
  page: 2,
  day: '2026-11-28',
  reason: 'field 1 & more',
  redriven: true,
  letter: 'router-search/ride.telemetry/1/2',
  report: '2026-W09',
  feed: provider,
  embed: true,
  theme: 'dark',
  lang: 'ko',
  units: 'imperial',
  tz: 'Asia/Seoul',
};

describe('the address', () => {
  it('is empty while everything has its initial value', () => {
    expect(formatAddress(initial)).toBe('');
    expect(parseAddress('')).toEqual({ given: {}, ignored: [] });
  });

  it('is readable', () => {
    expect(
      formatAddress({ ...initial, view: 'table', map: everything.map, vehicle: everything.vehicle }),
    ).toBe(`?view=table&map=14.25/43.73840/7.42460&vehicle=${provider}/${device}`);
    expect(formatAddress({ ...initial, states: new Set(['stopped', 'unknown']) })).toBe(
      '?states=non_operational,non_contactable,available,reserved,on_trip',
    );
  });

  it('has the moment to the millisecond, and accepts other time zones', () => {
    const at = Date.UTC(2026, 10, 29, 8, 42, 10);
    expect(formatAddress({ ...initial, at })).toBe('?at=2026-11-29T08:42:10Z');
    expect(formatAddress({ ...initial, at: at + 5 })).toBe('?at=2026-11-29T08:42:10.005Z');
    for (const plus of ['%2B', '+'])
      expect(parseAddress(`?at=2026-11-29T17:42:10${plus}09:00`).given).toEqual({ at });
  });

  it('describes the same view after it was written and read', () => {
    expect(parseAddress(formatAddress(everything))).toEqual({ given: everything, ignored: [] });
  });

  it('can hide all states', () => {
    const { given } = parseAddress('?states=none');
    expect(given.states?.size).toBe(7);
    expect(formatAddress({ ...initial, ...given })).toBe('?states=none');
  });

  it('wraps longitudes of a map that repeats the world', () => {
    expect(formatAddress({ ...initial, map: { zoom: 3, center: [190, 10] } })).toBe(
      '?map=3.00/10.00000/-170.00000',
    );
  });

  it('finds a vehicle without its provider', () => {
    expect(parseAddress(`?vehicle=${device.toUpperCase()}`).given.vehicle).toEqual({
      deviceId: device,
      providerId: null,
    });
  });

  it.each([
    ['view=globe', /one of map, table/],
    ['stage=flying', /one of requested/],
    ['from=yesterday', /zone/],
    ['page=0', 'a whole number from 1'],
    ['day=2026-02-30', 'a day: 2026-11-29'],
    ['map=14/43', 'zoom/latitude/longitude'],
    ['map=14/99/7', 'zoom/latitude/longitude'],
    ['map=14//7', 'zoom/latitude/longitude'],
    ['states=flying', /on_trip/],
    ['vehicle=abc', /device id/],
    ['at=2026-11-29T08:42:10', /zone/],
    ['at=2026-13-29T08:42:10Z', /zone/],
    ['by=arrival', 'one of event, received'],
    ['theme=pink', 'light or dark'],
    ['embed=yes', '1'],
    ['trip=abc', 'provider id/trip id'],
    ['battery=0', 'a whole number from 1 to 100'],
    ['over=1e2', 'a whole number from 1 to 1000'],
    ['still=1', 'a whole number from 2 to 60'],
    ['minutes=7', 'one of 5, 15, 30, 60'],
    ['heat=warm', 'one of none, balance, demand, supply'],
    ['sort=size', /one of device/],
    [`reason=${'x'.repeat(201)}`, 'at most 200 characters'],
  ])('ignores the invalid parameter %s, and applies the others', (parameter, expected) => {
    const { given, ignored } = parseAddress(`?${parameter}&redriven=yes`);
    expect(given).toEqual({ redriven: true });
    const [name, value] = parameter.split('=');
    expect(ignored).toEqual([
      {
        name,
        value,
        expected: typeof expected === 'string' ? expected : (expect.stringMatching(expected) as string),
      },
    ]);
  });

  it('lists unknown parameters', () => {
    expect(parseAddress('?utm_source=mail').ignored).toEqual([
      { name: 'utm_source', value: 'mail', expected: null },
    ]);
    expect(parseAddress('?toString=1').ignored).toHaveLength(1);
  });
});
