import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER } from '../fold/events.fixture.js';
import { QueryParameters } from '../query/query-parameters.js';
import { formatEventId, parseEventId, parseStreamQuery } from './stream-query.js';

const parse = (query: Record<string, unknown>, allowed: string | null = null) =>
  parseStreamQuery(new QueryParameters(query), allowed);

describe('parseStreamQuery', () => {
  it('is everything that the token may see without parameters', () => {
    const viewport = { west: -180, south: -90, east: 180, north: 90 };
    expect(parse({})).toEqual({ viewport, watched: null });
    expect(parse({}, PROVIDER)).toEqual({ viewport: { ...viewport, providerId: PROVIDER }, watched: null });
  });

  it('has an area, a provider and a vehicle', () => {
    const query = { bbox: '7.4,43.7,7.5,43.8', provider_id: PROVIDER, device_id: id(7).toUpperCase() };
    expect(parse(query)).toEqual({
      viewport: { west: 7.4, south: 43.7, east: 7.5, north: 43.8, providerId: PROVIDER },
      watched: { deviceId: id(7), providerId: PROVIDER },
    });
    expect(parse({ device_id: id(7) }).watched).toEqual({ deviceId: id(7), providerId: null });
  });

  it.each([
    [{ bbox: '1,2,3' }, /four numbers/],
    [{ device_id: '7' }, /expected a UUID/],
    [{ device_id: [id(1), id(2)] }, /expected one text/],
    [{ provider_id: OTHER_PROVIDER }, /limited to the provider/],
  ])('refuses %j', (query, message) => {
    expect(() => parse(query, PROVIDER)).toThrow(message);
  });
});

describe('the id of an event', () => {
  it('has what the client needs to resume', () => {
    const resume = { epoch: 281474976710655, sequence: 12, view: 'all:9:371-375:266+8' };
    expect(parseEventId(formatEventId(resume))).toEqual(resume);
  });

  it.each([undefined, '', '1-2', '1-2-', 'x-2-all', '1-2-a b', `1-2-${'a'.repeat(201)}`, ['1-2-all', '3']])(
    'is ignored if it is %j',
    (id) => {
      expect(parseEventId(id)).toBeUndefined();
    },
  );
});
