import type { ZoneList } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import { enter, ruleFiles, zoneFeature } from './_alerts.js';
import {
  append,
  getJson,
  metric,
  SECRET,
  startRealtime,
  temporaryFolder,
  untilReady,
  type Realtime,
} from './_util.js';

async function untilZones(
  { url }: Realtime,
  holds: (list: ZoneList) => boolean,
  token?: string,
): Promise<ZoneList> {
  let list: ZoneList | null = null;
  await until(
    async () => {
      const { status, body } = await getJson<ZoneList>(`${url}/zones`, token);
      list = body;
      return status === 200 && holds(body);
    },
    { what: 'zones', timeoutMs: 20_000 },
  );
  return list!;
}

const send = (url: string, method: string, token?: string, body?: unknown) =>
  fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

describe('zones', () => {
  it('count the vehicles inside, entries and dwell times that a token may see', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles('  - { id: any, kind: zone-left, zone: station }');
    await using realtime = await startRealtime(broker.address, { ...files.env, AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    await enter(broker.address, { device_id: id(1) });
    await enter(broker.address, { device_id: id(2) });
    await enter(broker.address, { device_id: id(1), provider_id: OTHER_PROVIDER });
    const everyone = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    const own = await makeToken(SECRET, { scopes: ['read', 'operate'], providerId: PROVIDER }, '1h');
    const list = await untilZones(realtime, ({ zones }) => zones[0]?.inside.unknown === 3, everyone);
    expect(list).toMatchObject({
      mayChange: false,
      zones: [{ id: 'station', name: 'Station', source: 'file' }],
    });
    const [station] = list.zones;
    expect(station!.lastHour).toEqual({
      entries: 3,
      exits: 0,
      dwellP50Ms: 10_000,
      dwellP90Ms: 10_000,
      dwellLongestMs: 10_000,
    });
    expect(station!.lastDay).toEqual(station!.lastHour);
    const limited = await untilZones(realtime, () => true, own);
    expect(limited.zones[0]).toMatchObject({ inside: { unknown: 2 }, lastHour: { entries: 2 } });
    // What concerns all providers needs a token for all of them.
    expect(limited.mayChange).toBe(false);
    const answers = [
      await send(`${realtime.url}/zones`, 'POST', own, zoneFeature('mine', 'Mine')),
      await send(`${realtime.url}/zones`, 'POST', everyone, zoneFeature('mine', 'Mine')),
      await send(`${realtime.url}/zones`, 'POST', undefined, zoneFeature('mine', 'Mine')),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 401, 401]);
  });

  it('have the same visits after a restart from a keyframe, those that were drawn included', async () => {
    await using broker = await startTestBroker();
    await using folder = await temporaryFolder();
    await using files = await ruleFiles('  - { id: any, kind: zone-left, zone: station }');
    const env = { ...files.env, REALTIME_HISTORY_DIR: folder.path, REALTIME_KEYFRAME_MS: '1s' };
    const hasVisits = ({ zones }: ZoneList): boolean =>
      zones.length === 2 && zones.every(({ lastHour }) => lastHour.dwellLongestMs !== null);
    const visitsIn = ({ zones, countedSince }: ZoneList) => ({
      countedSince,
      visits: zones.map(({ id: zoneId, lastHour, lastDay }) => [zoneId, lastHour, lastDay]),
    });
    let before: ReturnType<typeof visitsIn>;
    let sent = 2;
    {
      await using realtime = await startRealtime(broker.address, env);
      await untilReady(realtime);
      const market = zoneFeature('market', 'Market');
      expect((await send(`${realtime.url}/zones`, 'POST', undefined, market)).status).toBe(201);
      await enter(broker.address, { device_id: id(1) });
      await untilZones(realtime, ({ zones }) => zones.some(({ lastHour }) => lastHour.entries === 1));
      // The zone that was drawn is compared with the steps that begin after it was drawn.
      const inside = { device_id: id(1), location: { lat: 43.735, lng: 7.425 } };
      await until(
        async () => {
          await append(broker.address, [telemetry({ ...inside, timestamp: Date.now() })]);
          sent += 1;
          return hasVisits((await getJson<ZoneList>(`${realtime.url}/zones`)).body);
        },
        { what: 'a visit of the drawn zone', pollMs: 500 },
      );
      await until(async () => (await metric(realtime, 'realtime_records_total')) === sent, {
        what: 'all positions',
      });
      const foldedAt = Date.now();
      before = visitsIn(await untilZones(realtime, ({ asOf }) => asOf >= foldedAt));
      // The first keyframe is that of the empty city.
      await until(async () => (await metric(realtime, 'realtime_keyframe_write_seconds_count')) >= 2, {
        what: 'a keyframe',
      });
    }
    await using restarted = await startRealtime(broker.address, env);
    await untilReady(restarted);
    expect(await metric(restarted, 'realtime_records_total')).toBeLessThan(sent);
    expect(visitsIn(await untilZones(restarted, hasVisits))).toEqual(before);
  });

  it('are drawn and removed for all processes, and kept after a restart', async () => {
    await using broker = await startTestBroker();
    await using files = await ruleFiles('  - { id: any, kind: zone-left, zone: station }');
    await using one = await startRealtime(broker.address, files.env);
    await using two = await startRealtime(broker.address);
    await Promise.all([untilReady(one), untilReady(two)]);
    const post = (body: unknown) => send(`${one.url}/zones`, 'POST', undefined, body);
    expect((await post(zoneFeature('market', 'Market'))).status).toBe(201);
    const { zones } = await untilZones(one, (list) => list.zones.length === 2);
    expect(zones.map(({ name, source }) => [name, source])).toEqual([
      ['Market', 'page'],
      ['Station', 'file'],
    ]);
    await untilZones(two, (list) => list.zones.length === 1);
    const problem = await post({
      ...zoneFeature('open', 'Open'),
      geometry: { type: 'Polygon', coordinates: [[[7, 43]]] },
    });
    expect([problem.status, await problem.json()]).toMatchObject([
      400,
      { errors: [{ field: 'geometry', detail: expect.stringContaining('at least 4 positions') as string }] },
    ]);
    expect((await post({ id: 'Bad Id' })).status).toBe(400);
    expect((await post(zoneFeature('station', 'Again'))).status).toBe(409);
    {
      await using restarted = await startRealtime(broker.address);
      expect((await untilZones(restarted, (list) => list.zones.length === 1)).zones[0]?.id).toBe('market');
    }
    const remove = (zoneId: string) => send(`${two.url}/zones/${zoneId}`, 'DELETE');
    expect((await remove('market')).status).toBe(204);
    await untilZones(one, (list) => list.zones.length === 1);
    expect((await remove('market')).status).toBe(404);
    expect((await send(`${one.url}/zones/station`, 'DELETE')).status).toBe(409);
  });
});
