import { eventRegistry } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { decoders } from './decode.js';

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
});
