import { telemetryTopic, tripsTopic } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { telemetry } from '../fold/events.fixture.js';
import { decoders } from './decode.js';

const decode = decoders.get(telemetryTopic.name)!;
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('decoders', () => {
  it('turn a value into the event of its topic', () => {
    const { event } = telemetry();
    expect(decode(bytes(event))).toEqual({ kind: 'telemetry', event });
  });

  it.each([
    [null, 'NO_VALUE', /no value/],
    [Buffer.from('{"lat":'), 'NOT_JSON', /not JSON/],
    [Buffer.from([0xff, 0x00]), 'NOT_JSON', /not JSON/],
    [Buffer.from('[]'), 'NOT_OF_THE_FAMILY', /not an event of this topic/],
    [bytes({ ...telemetry().event, timestamp: 'now' }), 'NOT_OF_THE_FAMILY', /timestamp must be/],
  ])('say what is wrong with %j', (value, code, message) => {
    expect(() => decode(value)).toThrow(
      expect.objectContaining({
        name: 'UndecodableRecordError',
        code,
        message: expect.stringMatching(message),
      }),
    );
  });

  it('refuse an event of another topic', () => {
    expect(() => decoders.get(tripsTopic.name)!(bytes(telemetry().event))).toThrow(/trip_id is required/);
  });
});
