import { describe, expect, it } from 'vitest';
import { id } from '../fold/events.fixture.js';
import { parseViewport, parseWatch } from './live.schema.js';

const monaco = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

describe('parseViewport', () => {
  it('accepts a viewport, also across the antimeridian', () => {
    expect(parseViewport(monaco)).toEqual({ value: monaco });
    expect(parseViewport({ ...monaco, counts: true })).toEqual({ value: { ...monaco, counts: true } });
    expect(parseViewport({ ...monaco, west: 179, east: -179 })).toHaveProperty('value');
    const resuming = { ...monaco, resume: { epoch: 1, sequence: 2, view: 'all' } };
    expect(parseViewport(resuming)).toEqual({ value: resuming });
  });

  it.each([
    [null, /viewport must be object/],
    [{ ...monaco, west: 'x' }, /west must be number/],
    [{ ...monaco, north: Number.NaN }, /north must be number/],
    [{ ...monaco, north: 91 }, /north must be <= 90/],
    [{ ...monaco, south: 44 }, /south must not be greater than north/],
    [{ west: 7.4 }, /south is required/],
    [{ ...monaco, counts: 1 }, /counts must be boolean/],
    [{ ...monaco, resume: { epoch: 1, sequence: 2 } }, /resume.view is required/],
    [{ ...monaco, resume: { epoch: 1, sequence: -2, view: 'all' } }, /resume.sequence must be >= 0/],
  ])('refuses %j with a reason', (message, reason) => {
    expect(parseViewport(message)).toEqual({ refusal: expect.stringMatching(reason) });
  });
});

describe('parseWatch', () => {
  it('accepts only a vehicle, a device id alone, or null', () => {
    const vehicle = { deviceId: id(1), providerId: id(2) };
    expect(parseWatch(vehicle)).toEqual({ value: vehicle });
    expect(parseWatch(id(1))).toEqual({ value: { deviceId: id(1), providerId: null } });
    expect(parseWatch({ deviceId: id(1), providerId: 'p' })).toHaveProperty('refusal');
    expect(parseWatch({ ...vehicle, more: 1 })).toHaveProperty('refusal');
    expect(parseWatch([id(1)])).toHaveProperty('refusal');
    expect(parseWatch(null)).toEqual({ value: null });
    expect(parseWatch('cab-7')).toHaveProperty('refusal');
    expect(parseWatch(undefined)).toHaveProperty('refusal');
  });
});
