import { getEventListeners } from 'node:events';
import type { Telemetry } from '@hailstream/events';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixedToken } from '../src/ingest-token.js';
import { IngestClient } from '../src/outbox/ingest-client.http.js';
import { IngestRefusedError, MAX_REQUESTS_IN_FLIGHT, Outbox } from '../src/outbox/outbox.js';
import { stableId } from '../src/simulation/ids.js';
import { FakeIngest } from './_fake-ingest.js';

const providerId = '0197a1c0-6d1f-7000-8000-000000000001';
const DEVICES = 30;
const POINTS = 40;

let ingest: FakeIngest;
let client: IngestClient;
let outbox: Outbox;
let calls: string[];

beforeEach(async () => {
  ingest = await FakeIngest.start();
  client = new IngestClient({
    url: ingest.url,
    token: fixedToken('secret'),
    maxConnections: MAX_REQUESTS_IN_FLIGHT,
  });
  calls = [];
  outbox = new Outbox({
    client,
    observer: {
      unavailable: () => calls.push('unavailable'),
      recovered: () => calls.push('recovered'),
      rejected: (kind, _id, reason) => calls.push(`rejected ${kind} ${reason}`),
      failed: (error) => calls.push(`failed ${error.message}`),
    },
  });
});

afterEach(async () => {
  outbox[Symbol.dispose]();
  await client[Symbol.asyncDispose]();
  await ingest[Symbol.asyncDispose]();
});

function point(device: number, number: number): Telemetry {
  return {
    device_id: stableId('device', device),
    provider_id: providerId,
    telemetry_id: stableId('telemetry', device, number),
    timestamp: 1_790_000_000_000 + number,
    location: { lat: 43.7, lng: 7.4 },
  };
}

/** Puts one event of each device at a time; eight rounds share a turn of the event loop. */
async function putAll(): Promise<void> {
  for (let number = 0; number < POINTS; number += 1) {
    for (let device = 0; device < DEVICES; device += 1) outbox.put('telemetry', point(device, number));
    if (number % 8 === 0) await new Promise(setImmediate);
  }
}

/** Asserts that the first arrivals of each device's points are complete and in order. */
function expectAllInOrder(): void {
  const received = ingest.distinct('telemetry_id');
  expect(received.length).toBe(DEVICES * POINTS);
  for (let device = 0; device < DEVICES; device += 1) {
    const ofDevice = received.filter(({ device_id }) => device_id === stableId('device', device));
    expect(ofDevice.map(({ telemetry_id }) => telemetry_id)).toEqual(
      Array.from({ length: POINTS }, (_none, number) => point(device, number).telemetry_id),
    );
  }
}

describe('an outbox', () => {
  it('delivers all events, in order per device, in few requests', async () => {
    await putAll();
    await outbox.whenAtMost(0);
    expectAllInOrder();
    expect(outbox.counts).toEqual({
      sent: DEVICES * POINTS,
      accepted: DEVICES * POINTS,
      rejected: 0,
      retried: 0,
      thinned: 0,
    });
    expect(ingest.requests.length).toBeLessThan(20);
    expect(ingest.authorizations).toEqual(new Set(['Bearer secret']));
    expect(calls).toEqual([]);
  });

  it('retries events without an answer with the same ids and in order, whether or not they were stored', async () => {
    ingest.treat = (number) => ({ kind: (['lose-answer', 'take', 'break'] as const)[number % 3]! });
    await putAll();
    await outbox.whenAtMost(0);
    expectAllInOrder();
    expect(ingest.log.length).toBeGreaterThan(DEVICES * POINTS);
    expect(outbox.counts).toMatchObject({ sent: DEVICES * POINTS, accepted: DEVICES * POINTS, rejected: 0 });
    expect(outbox.counts.retried).toBeGreaterThan(0);
  });

  it('keeps all events while ingest is unavailable, reports that once, and catches up', async () => {
    await ingest.down();
    await putAll();
    await until(() => outbox.isUnavailable);
    expect(outbox.waiting('telemetry')).toBe(DEVICES * POINTS);
    await ingest.up();
    await outbox.whenAtMost(0);
    expectAllInOrder();
    expect(calls).toEqual(['unavailable', 'recovered']);
  });

  it('waits for the time in Retry-After', async () => {
    ingest.treat = (number) =>
      number === 0 ? { kind: 'status', status: 503, retryAfter: '1' } : { kind: 'take' };
    outbox.put('telemetry', point(0, 0));
    await outbox.whenAtMost(0);
    const [first, second] = ingest.requests;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(990);
  });

  it('retries items with a retryable error one at a time, before later events of their device', async () => {
    const failing = point(3, 5).telemetry_id;
    let failures = 0;
    ingest.treat = () => ({
      kind: 'fail-items',
      error: (item) => (item['telemetry_id'] === failing && (failures += 1) <= 2 ? 'retryable' : undefined),
    });
    for (let number = 0; number <= 5; number += 1) outbox.put('telemetry', point(3, number));
    await until(() => failures === 1);
    outbox.put('telemetry', point(3, 6));
    outbox.put('telemetry', point(4, 0));
    await outbox.whenAtMost(0);
    const order = ingest.log.filter(({ item }) => item['device_id'] === point(3, 0).device_id);
    expect(order.map(({ item }) => item['timestamp'])).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((number) => point(3, number).timestamp),
    );
    expect(outbox.counts).toMatchObject({ sent: 8, accepted: 8, retried: 2 });
  });

  it('drops rejected events, counts them and reports the reason', async () => {
    const bad = point(0, 1).telemetry_id;
    ingest.treat = () => ({
      kind: 'fail-items',
      error: (item) => (item['telemetry_id'] === bad ? 'bad_param' : undefined),
    });
    for (let number = 0; number < 3; number += 1) outbox.put('telemetry', point(0, number));
    await outbox.whenAtMost(0);
    expect(outbox.counts).toMatchObject({ sent: 3, accepted: 2, rejected: 1, retried: 0 });
    expect(calls).toEqual(['rejected telemetry bad_param: simulated failure; by the test']);
  });

  it('stops when its requests are refused, and rejects pending waits', async () => {
    ingest.treat = () => ({ kind: 'status', status: 401 });
    outbox.put('telemetry', point(0, 0));
    await expect(outbox.whenAtMost(0)).rejects.toThrow(IngestRefusedError);
    await expect(outbox.whenAtMost(0)).rejects.toThrow(
      'POST /telemetry answered 401 Simulated failure: by the test',
    );
    expect(calls.length).toBe(1);
    expect(outbox.waiting()).toBe(1);
  });

  it('sends events again with the next token if a token that is replaced was refused', async () => {
    let token = 'expired';
    const replaced = { current: () => Promise.resolve(token), isReplaced: true };
    await using renewing = new IngestClient({ url: ingest.url, token: replaced, maxConnections: 1 });
    ingest.treat = (number) => (number === 0 ? { kind: 'status', status: 401 } : { kind: 'take' });
    expect(await renewing.post('/telemetry', '[]')).toMatchObject({ kind: 'unavailable' });
    token = 'next';
    expect(await renewing.post('/telemetry', '[]')).toMatchObject({ kind: 'processed' });
    expect([...ingest.authorizations]).toEqual(['Bearer expired', 'Bearer next']);
    ingest.treat = () => ({ kind: 'status', status: 403 });
    expect(await renewing.post('/telemetry', '[]')).toMatchObject({ kind: 'refused' });
  });

  it('thins waiting events, counts the dropped ones, and keeps the newest of each device', async () => {
    await ingest.down();
    await putAll();
    const dropped = outbox.thin('telemetry');
    expect(dropped).toBeGreaterThan(DEVICES * POINTS * 0.4);
    await ingest.up();
    await outbox.whenAtMost(0);
    expect(outbox.counts).toMatchObject({ thinned: dropped, accepted: DEVICES * POINTS - dropped });
    const received = new Set(ingest.distinct('telemetry_id').map(({ telemetry_id }) => telemetry_id));
    for (let device = 0; device < DEVICES; device += 1) {
      expect(received.has(point(device, POINTS - 1).telemetry_id)).toBe(true);
    }
  });

  it('stops waiting if the signal is aborted', async () => {
    await ingest.down();
    outbox.put('telemetry', point(0, 0));
    const stop = new AbortController();
    const waiting = outbox.whenAtMost(0, stop.signal);
    stop.abort();
    await waiting;
    expect(outbox.waiting()).toBe(1);
  });

  it('leaves no listener on the signal, however a wait ends', async () => {
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    for (let number = 0; number < 20; number += 1) {
      outbox.put('telemetry', point(0, number));
      const waiting = outbox.whenAtMost(0, signal);
      expect(listeners()).toBe(1);
      await waiting;
    }
    expect(listeners()).toBe(0);
    ingest.treat = () => ({ kind: 'status', status: 401 });
    outbox.put('telemetry', point(1, 0));
    await expect(outbox.whenAtMost(0, signal)).rejects.toThrow(IngestRefusedError);
    expect(listeners()).toBe(0);
  });
});
