import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CityState } from '../fold/city-state.js';
import { id, NOW, telemetry } from '../fold/events.fixture.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseVehicleQuery } from './vehicle-query.js';
import { VehiclesService } from './vehicles.service.js';

function setUp(vehicles: number): VehiclesService {
  const city = new CityState();
  for (let n = 0; n < vehicles; n += 1) {
    const event = telemetry({ device_id: id((n * 7_919) % vehicles), location: { lat: n % 9, lng: 7 } });
    city.fold(event, { receivedAt: NOW, now: NOW });
  }
  return new VehiclesService(city);
}

const parse = (query: Record<string, unknown>) => parseVehicleQuery(new QueryParameters(query), null);

/** Each look at the clock takes a millisecond. */
function slowClock(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 1));
}

describe('VehiclesService.listInTurns', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([{}, { sort: '-lat' }, { sort: 'device_id', limit: '5000', offset: '1234' }, { bbox: '6,2,8,5' }])(
    'returns the list for %j in pieces between which the event loop turns',
    async (parameters) => {
      const service = setUp(12_000);
      const query = parse(parameters);
      slowClock();
      let [turns, isDone] = [0, false];
      const reading = (async () => {
        const list = await service.listInTurns(query, NOW);
        let text = '';
        if (Symbol.asyncIterator in list) for await (const piece of list) text += piece;
        isDone = true;
        return text;
      })();
      for (; !isDone; await nextTurn()) turns += 1;
      expect(turns).toBeGreaterThan(2);
      expect(JSON.parse(await reading)).toEqual(JSON.parse(JSON.stringify(service.list(query, NOW))));
    },
  );

  it('returns a short list as a whole', async () => {
    const service = setUp(300);
    const list = await service.listInTurns(parse({}), NOW);
    expect(list).toEqual(service.list(parse({}), NOW));
    expect(list).toMatchObject({ count: 300, total: 300 });
  });

  it('makes no piece before it is read', async () => {
    const service = setUp(2_000);
    const list = await service.listInTurns(parse({}), NOW);
    if (!(Symbol.asyncIterator in list)) throw new Error('expected pieces');
    const first = await list.next();
    expect(String(first.value).length).toBeLessThan(200);
    await list.return(undefined);
    expect((await list.next()).done).toBe(true);
  });
});
