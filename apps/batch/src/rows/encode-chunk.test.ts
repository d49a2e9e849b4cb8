import { tripFamily, vehicleEventFamily } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { CopyWriter } from './copy-writer.js';
import { encodeChunk, type EncodedChunk } from './encode-chunk.js';
import { tablesByTopic } from './tables.js';

const nowMs = Date.UTC(2026, 10, 22, 12);
const uuid = (last: number): string => `00000000-0000-7000-8000-${String(last).padStart(12, '0')}`;

const event = (last: number, given: object = {}): object => ({
  device_id: uuid(1),
  provider_id: uuid(2),
  event_id: uuid(last),
  vehicle_state: 'available',
  event_types: ['service_start'],
  timestamp: nowMs,
  location: { lat: 43.7, lng: 7.4 },
  ...given,
});

const trip = {
  trip_id: uuid(1),
  provider_id: uuid(2),
  device_id: uuid(3),
  start_time: nowMs - 1_000,
  end_time: nowMs,
  start_location: { lat: 43.7, lng: 7.4 },
  end_location: { lat: 43.7, lng: 7.4 },
  duration: 1,
  distance: 1,
};

function encode(topic: string, values: readonly (object | string | null)[]): Promise<EncodedChunk> {
  const records = values.map((value, index): LogRecord => ({
    offset: BigInt(index),
    key: null,
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers: {},
    timestampMs: nowMs,
  }));
  return encodeChunk(tablesByTopic.get(topic)!, records, { writer: new CopyWriter(), nowMs, maxAgeDays: 30 });
}

describe('encodeChunk', () => {
  it('writes one tuple per event, with one field per column', async () => {
    const { rows, days } = await encode(vehicleEventFamily.topic.name, [
      event(1),
      event(2, { timestamp: nowMs - 86_400_000 }),
    ]);
    expect([0, 1].map((row) => rows.keys.at(row))).toEqual([
      { id: uuid(1), providerId: uuid(2), timeMs: nowMs },
      { id: uuid(2), providerId: uuid(2), timeMs: nowMs - 86_400_000 },
    ]);
    expect(days.size).toBe(2);
    const { columns } = tablesByTopic.get(vehicleEventFamily.topic.name)!;
    for (const index of [0, 1]) expect(rows.tuples([index]).readInt16BE(0)).toBe(columns.length);
    expect(rows.tuples([0, 1])).toEqual(Buffer.concat([rows.tuples([0]), rows.tuples([1])]));
  });

  it('returns the tuples of some rows, adjacent or not', async () => {
    const { rows } = await encode(
      vehicleEventFamily.topic.name,
      [1, 2, 3, 4, 5].map((last) => event(last)),
    );
    const each = [0, 1, 2, 3, 4].map((row) => Buffer.from(rows.tuples([row])));
    for (const some of [[0, 2, 3], [1], [4], [0, 1, 2, 3, 4], [1, 3], []]) {
      expect(rows.tuples(some)).toEqual(Buffer.concat(some.map((row) => each[row]!)));
    }
  });

  it('accepts events up to the maximum age at their receipt, independent of the current time', async () => {
    const received = nowMs - 90 * 86_400_000;
    const ofAge = async (days: number, timestampMs: number) => {
      const value = Buffer.from(JSON.stringify(event(1, { timestamp: received - days * 86_400_000 })));
      const record = { offset: 0n, key: null, value, headers: {}, timestampMs };
      const chunk = await encodeChunk(tablesByTopic.get(vehicleEventFamily.topic.name)!, [record], {
        writer: new CopyWriter(),
        nowMs,
        maxAgeDays: 30,
      });
      return chunk.rejects[0]?.reason;
    };
    expect(await ofAge(30, received)).toBeUndefined();
    const refusal = "the event's time must not be more than 30 days (EVENTS_MAX_AGE_DAYS) before its receipt";
    expect(await ofAge(32, received)).toBe(refusal);
    // Not a plausible time of receipt.
    for (const timestampMs of [-1, 0, received * 1_000]) expect(await ofAge(1, timestampMs)).toBe(refusal);
  });

  it('accepts events that are slightly ahead of the clock, and rejects events of next week', async () => {
    const { rows, rejects } = await encode(vehicleEventFamily.topic.name, [
      event(1, { timestamp: nowMs + 5 * 60_000 }),
      event(2, { timestamp: nowMs + 7 * 86_400_000 }),
    ]);
    expect(rows.count).toBe(1);
    expect(rejects[0]!.reason).toBe("the event's time must not be more than 5 minutes after its receipt");
  });

  it('encodes the first of several records with the same id', async () => {
    const { rows, rejects } = await encode(vehicleEventFamily.topic.name, [
      event(1),
      event(2),
      event(1, { timestamp: nowMs + 1 }),
    ]);
    expect([0, 1].map((row) => rows.recordOf(row).offset)).toEqual([0n, 1n]);
    expect(rows.count).toBe(2);
    expect([0n, 1n, 2n].map((offset) => rows.firstFrom(offset))).toEqual([0, 1, 2]);
    expect(rejects).toEqual([]);
    expect(rows.repeatsFrom(0n)).toMatchObject([{ record: { offset: 2n }, row: 0 }]);
    expect(rows.repeatsFrom(3n)).toEqual([]);
  });

  it('encodes the same id of two providers twice', async () => {
    const { rows } = await encode(vehicleEventFamily.topic.name, [
      event(1),
      event(1, { provider_id: uuid(9) }),
    ]);
    expect(rows.count).toBe(2);
    expect(rows.repeatsFrom(0n)).toEqual([]);
  });

  it('rejects records that are not an event of the family, and continues', async () => {
    const { rows, rejects } = await encode(vehicleEventFamily.topic.name, [
      null,
      'nonsense',
      event(1),
      { event_id: 'x\u0000' },
    ]);
    expect(rows.count).toBe(1);
    expect(rejects.map(({ record }) => record.offset)).toEqual([0n, 1n, 3n]);
    expect(rejects[0]!.reason).toBe('the record has no value');
    for (const { reason } of rejects) expect(reason).not.toContain('\0');
  });

  it('rejects text with a NUL character or half of a surrogate pair in any field', async () => {
    const attributes = {
      hail_type: 'app',
      passenger_count: 1,
      requested_time: nowMs,
      quoted_trip_start_time: nowMs,
    };
    const { rejects } = await encode(tripFamily.topic.name, [
      { ...trip, trip_attributes: { ...attributes, app_name: 'a\u0000b' } },
      { ...trip, parking_verification_url: '\udc00' },
      { ...trip, trip_attributes: { ...attributes, app_name: '\\u0000 🚕' } },
    ]);
    expect(rejects.map(({ reason }) => reason)).toEqual([
      'trip_attributes.app_name: has a NUL character',
      'parking_verification_url: has half of a surrogate pair',
    ]);
  });
});
