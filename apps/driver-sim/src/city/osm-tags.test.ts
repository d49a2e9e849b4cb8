import { describe, expect, it } from 'vitest';
import { onewayOf, roadUse } from './osm-tags.js';

function tags(values: Record<string, string>): Map<string, string> {
  return new Map(Object.entries({ highway: 'residential', ...values }));
}

describe('roadUse', () => {
  it.each([
    {},
    { access: 'yes' },
    { access: 'destination' },
    { access: 'permissive' },
    { access: 'customers' },
    { access: 'no', vehicle: 'yes' },
    { access: 'no', motor_vehicle: 'destination' },
    { access: 'private', motor_vehicle: 'private', motorcar: 'yes' },
    { vehicle: 'no', motor_vehicle: 'yes' },
    { access: 'agricultural;customers' },
    { access: 'an unknown value' },
    { bicycle: 'no', foot: 'private' },
    { highway: 'service', service: 'driveway' },
    { highway: 'motorway_link' },
    { oneway: 'yes' },
  ])('recognizes %j as open to cars', (values) => {
    expect(roadUse(tags(values))).toBe('open');
  });

  it.each([
    { access: 'no' },
    { access: 'private' },
    { access: 'agricultural; forestry' },
    { vehicle: 'no' },
    { vehicle: 'private', access: 'yes' },
    { motorcar: 'no' },
    { motor_vehicle: 'no', vehicle: 'yes', access: 'yes' },
    { motor_vehicle: 'agricultural;forestry' },
    { motor_vehicle: 'emergency' },
    { motor_vehicle: 'an unknown value', access: 'no' },
    { highway: 'service', service: 'emergency_access' },
    { impassable: 'yes' },
    { access: 'no', oneway: 'reversible' },
  ])('recognizes %j as closed to cars', (values) => {
    expect(roadUse(tags(values))).toBe('closed');
  });

  it.each([{ oneway: 'reversible' }, { oneway: 'alternating' }, { oneway: 'reversible', access: 'yes' }])(
    'recognizes %j as reversible',
    (values) => {
      expect(roadUse(tags(values))).toBe('reversible');
    },
  );

  it.each([{ highway: 'footway' }, { highway: 'construction' }, { highway: 'service', area: 'yes' }])(
    'does not treat %j as a road',
    (values) => {
      expect(roadUse(tags(values))).toBe('no-road');
    },
  );
});

describe('onewayOf', () => {
  it.each([
    [{ oneway: 'true' }, 'yes'],
    [{ oneway: 'reverse' }, '-1'],
    [{ oneway: '-1', junction: 'roundabout' }, '-1'],
    [{ junction: 'circular' }, 'yes'],
    [{ highway: 'motorway', oneway: 'no' }, undefined],
    [{ highway: 'motorway', oneway: 'an unknown value' }, 'yes'],
    [{ oneway: 'yes', 'oneway:motor_vehicle': 'no' }, undefined],
    [{ oneway: 'yes', 'oneway:bicycle': 'no' }, 'yes'],
    [{ 'oneway:vehicle': '-1' }, '-1'],
  ])('reads the direction of %j as %s', (values, oneway) => {
    expect(onewayOf(tags(values))).toBe(oneway);
  });
});
