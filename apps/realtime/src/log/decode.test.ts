import { eventRegistry } from '@hailstream/events';
import { registryWithShifts, shiftFamily } from '@hailstream/events/testing';
import { describe, expect, it } from 'vitest';
import { createDecoders, decoders } from './decode.js';

describe('decoders', () => {
  it.each(eventRegistry.families.map((family) => [family.name, family] as const))(
    'decode a record of %s to an event with the name of its family',
    (kind, { topic, example }) => {
      const decode = decoders.get(topic.name)!;
      expect(decode(Buffer.from(JSON.stringify(example)))).toEqual({ kind, event: example });
    },
  );

  it('reject an event of another family', () => {
    const [telemetry, vehicleEvents] = eventRegistry.families;
    const decode = decoders.get(vehicleEvents!.topic.name)!;
    expect(() => decode(Buffer.from(JSON.stringify(telemetry!.example)))).toThrow('event_id: is required');
  });

  it('decode a family that is added to the registry', () => {
    const decode = createDecoders(registryWithShifts).get('ride.shifts')!;
    expect(decode(Buffer.from(JSON.stringify(shiftFamily.example)))).toEqual({
      kind: 'shifts',
      event: shiftFamily.example,
    });
  });
});
