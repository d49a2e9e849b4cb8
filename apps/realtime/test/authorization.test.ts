import type { Frame } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  getJson,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
  type VehicleList,
} from './_util.js';

describe('authorization', () => {
  it('serves only what the token allows, and refuses with a reason', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp }),
      telemetry({ timestamp, device_id: id(2), provider_id: OTHER_PROVIDER }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const token = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1 hour');
    const expired = await makeToken(SECRET, { scopes: ['read'] }, '-1 hour');
    const writer = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1 hour');
    const { url } = realtime;
    for (const path of ['/vehicles', '/stats', '/city']) {
      expect(await getJson(`${url}${path}`)).toMatchObject({ status: 401 });
    }
    expect((await getJson(`${url}/vehicles`, token)).body).toMatchObject({ count: 1 });
    expect((await getJson(`${url}/vehicles/${id(1)}`, token)).status).toBe(404);
    expect((await getJson(`${url}/stats`, token)).body).toMatchObject({ devicesSeen: 1, eventsSeen: 1 });
    expect((await fetch(`${url}/metrics`)).status).toBe(200);

    const refusal = (auth: { token?: string }) =>
      new Promise<Error>((resolve) => openSocket(url, auth).on('connect_error', resolve));
    expect((await refusal({})).message).toMatch(/a bearer token is required/);
    expect((await refusal({ token: expired })).message).toMatch(/expired/);
    expect((await refusal({ token: writer })).message).toMatch(/lacks the scope read/);

    using page = openSocket(url, { token });
    const snapshot = new Promise<Frame>((resolve) => page.on('snapshot', resolve));
    page.emit('viewport', { west: -180, south: -90, east: 180, north: 90 });
    expect((await snapshot).vehicles.map(([deviceId]) => deviceId)).toEqual([id(2)]);
  });

  it('separates vehicles of two providers with the same device id', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp, location: { lat: 43.74, lng: 7.42 } }),
      telemetry({ timestamp, provider_id: OTHER_PROVIDER, location: { lat: 43.75, lng: 7.43 } }),
      telemetry({ timestamp, device_id: id(2) }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const everyone = await makeToken(SECRET, { scopes: ['read'] }, '1 hour');
    const own = await makeToken(SECRET, { scopes: ['read'], providerId: PROVIDER }, '1 hour');
    const ask = (path: string, token: string) => getJson(`${realtime.url}/vehicles/${path}`, token);

    expect((await ask(id(1), own)).body).toMatchObject({ provider_id: PROVIDER, location: { lat: 43.74 } });
    const several = await ask(id(1), everyone);
    expect(several).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/provider_id/) } });
    expect(several.body['vehicles']).toMatchObject([
      { provider_id: PROVIDER, location: { lat: 43.74 } },
      { provider_id: OTHER_PROVIDER, location: { lat: 43.75 } },
    ]);
    expect((await ask(`${id(1)}?provider_id=${OTHER_PROVIDER}`, everyone)).body).toMatchObject({
      provider_id: OTHER_PROVIDER,
      location: { lat: 43.75 },
    });
    expect((await ask(`${id(1)}?provider_id=${OTHER_PROVIDER}`, own)).status).toBe(404);
    expect((await ask(id(2), everyone)).body).toMatchObject({ provider_id: PROVIDER });
    const { body } = await getJson<VehicleList>(`${realtime.url}/vehicles`, everyone);
    expect(body.vehicles.filter((vehicle) => vehicle['device_id'] === id(1)).length).toBe(2);
  });

  it('disconnects a page whose token has expired, and refuses it with the reason', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    // It expired 27 s ago, and is accepted for 30 s beyond its time.
    const token = await makeToken(SECRET, { scopes: ['read'] }, '-27s');
    using page = openSocket(realtime.url, { token });
    const seen: string[] = [];
    page.on('connect', () => seen.push('connected'));
    page.on('disconnect', (reason) => seen.push(reason));
    page.on('connect_error', ({ message }) => seen.push(message));
    await until(() => seen.length === 2, { what: 'the end' });
    page.connect();
    await until(() => seen.length === 3, { what: 'the refusal' });
    expect(seen).toEqual([
      'connected',
      'io server disconnect',
      expect.stringMatching(/the token expired at 20\d\d-/),
    ]);
  });
});
