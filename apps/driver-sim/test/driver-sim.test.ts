import { isValidChange, type Telemetry, type VehicleEvent } from '@hailstream/events';
import type { Service } from '@hailstream/service/lifecycle';
import { LOCAL_PROVIDER_ID, TokenVerifier } from '@hailstream/service/tokens';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadDriverSimConfig } from '../src/config.js';
import { startDriverSim } from '../src/driver-sim.js';
import { FakeIngest } from './_fake-ingest.js';

const VEHICLES = 25;

let ingest: FakeIngest;
let service: (Service & { readonly url: string }) | undefined;

beforeEach(async () => {
  ingest = await FakeIngest.start();
});

afterEach(async () => {
  await service?.close();
  service = undefined;
  await ingest[Symbol.asyncDispose]();
});

async function start(more: NodeJS.ProcessEnv = {}): Promise<Service & { readonly url: string }> {
  const env = {
    PORT: '0',
    LOG_LEVEL: 'silent',
    INGEST_URL: ingest.url.href,
    SIM_VEHICLES: String(VEHICLES),
    ...more,
  };
  service = await startDriverSim(loadDriverSimConfig(env, []));
  return service;
}

async function stop(): Promise<void> {
  await service?.close();
  service = undefined;
}

function received<Item>(path: string): Item[] {
  return ingest.log.filter((entry) => entry.path === path).map(({ item }) => item as Item);
}

function devicesOf(items: readonly { device_id: string }[]): Set<string> {
  return new Set(items.map(({ device_id }) => device_id));
}

describe('the simulator', () => {
  it('sends telemetry of all vehicles, which move', async () => {
    await start();
    await until(() => devicesOf(received<Telemetry>('/telemetry')).size === VEHICLES);
    await until(() => received<Telemetry>('/telemetry').some(({ location }) => location.speed! > 3));
  });

  it('signs a token for its provider if it has the secret, and prefers a configured token', async () => {
    const AUTH_JWT_SECRET = 'a secret of at least 32 characters';
    await start({ AUTH_JWT_SECRET });
    await until(() => ingest.authorizations.size === 1);
    await stop();
    const [header = ''] = ingest.authorizations;
    const verifier = new TokenVerifier({ kind: 'secret', secret: AUTH_JWT_SECRET });
    const principal = await verifier.verify(header?.replace('Bearer ', ''));
    expect(principal).toEqual({ scopes: new Set(['write']), providerId: LOCAL_PROVIDER_ID });
    await start({ AUTH_JWT_SECRET, INGEST_TOKEN: 'given' });
    await until(() => ingest.authorizations.has('Bearer given'));
    expect([...ingest.authorizations]).toEqual([header, 'Bearer given']);
  });

  it('keeps events while ingest is unavailable, reports that, and delivers them afterwards', async () => {
    const { url } = await start();
    const ready = async () => {
      const response = await fetch(`${url}/health/ready`);
      return { status: response.status, body: await response.text() };
    };
    await until(() => ingest.log.length > VEHICLES);
    expect((await ready()).status).toBe(200);
    await ingest.down();
    await until(async () => (await ready()).status === 503);
    expect((await ready()).body).toContain('ingest is unavailable');
    const waiting = async (): Promise<number> => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return Number(/driver_sim_events_waiting\{kind="telemetry"\} (\d+)/.exec(metrics)?.[1]);
    };
    await until(async () => (await waiting()) > VEHICLES * 5);
    await ingest.up();
    await until(async () => (await ready()).status === 200);
    await stop();
    // Moving cars report once per second; larger gaps occur only if the process was delayed.
    const points = ingest.distinct('telemetry_id') as unknown as Telemetry[];
    const times = new Map<string, number[]>();
    for (const { telemetry_id, device_id, timestamp, location } of points) {
      if (telemetry_id === undefined || location.speed === 0) continue;
      times.set(device_id, [...(times.get(device_id) ?? []), timestamp]);
    }
    const gaps = [...times.values()].flatMap((ofCar) =>
      ofCar.slice(1).map((time, index) => time - ofCar[index]!),
    );
    expect(gaps.length).toBeGreaterThan(VEHICLES * 3);
    expect(gaps.filter((gap) => gap < 1_000)).toEqual([]);
    expect(gaps.filter((gap) => gap === 1_000).length).toBeGreaterThan(gaps.length * 0.9);
  });

  it('takes all vehicles out of service when it stops, so that the next start is a valid continuation', async () => {
    await start();
    await until(() => devicesOf(received<VehicleEvent>('/events')).size === VEHICLES);
    await stop();
    const before = received<VehicleEvent>('/events').length;
    await start();
    await until(() => devicesOf(received<VehicleEvent>('/events').slice(before)).size === VEHICLES);
    await stop();
    const last = new Map<string, VehicleEvent>();
    for (const event of received<VehicleEvent>('/events')) {
      const previous = last.get(event.device_id);
      last.set(event.device_id, event);
      if (previous === undefined) continue;
      const change = { from: previous.vehicle_state, to: event.vehicle_state, eventTypes: event.event_types };
      expect(isValidChange(change), JSON.stringify(change)).toBe(true);
    }
    expect(last.size).toBe(VEHICLES);
    expect([...last.values()].every(({ vehicle_state }) => vehicle_state === 'non_operational')).toBe(true);
  });
});
