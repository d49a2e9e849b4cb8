import { describe, expect, it } from 'vitest';
import { telemetryFamily } from '../families/telemetry.js';
import { decodeEvent } from './decode-event.js';

const { example } = telemetryFamily;
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe(decodeEvent, () => {
  it('returns the event', () => {
    expect(decodeEvent(telemetryFamily, bytes(example))).toEqual(example);
  });

  it('removes an unknown heading', () => {
    const location = { lat: 1, lng: 2, heading: -1 };
    expect(decodeEvent(telemetryFamily, bytes({ ...example, location })).location).toEqual({
      lat: 1,
      lng: 2,
    });
  });

  it.each([
    ['a record without a value', null, 'NO_VALUE', 'the record has no value'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'NOT_UTF8', 'not UTF-8'],
    ['truncated JSON', Buffer.from('{"lat":'), 'NOT_JSON', /^not JSON: /],
    ['another JSON value', bytes(null), 'INVALID', 'the event: must be object'],
    [
      'an event with an invalid field',
      bytes({ ...example, timestamp: 'now' }),
      'INVALID',
      'timestamp: must be integer',
    ],
    ['an event of another family', bytes({ trip_id: 'x' }), 'INVALID', /telemetry_id: is required/],
  ])('rejects %s', (_, value, code, message) => {
    const text = typeof message === 'string' ? message : (expect.stringMatching(message) as string);
    const error = { name: 'EventDecodeError', code, message: text };
    expect(() => decodeEvent(telemetryFamily, value)).toThrow(expect.objectContaining(error));
  });
});
