import { tripsTopic, vehicleEventsTopic } from '@hailstream/events';
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
  return encodeChunk(tablesByTopic.get(topic)!, records, { writer: new CopyWriter(), nowMs });
}

describe('encodeChunk', () => {
  it('writes a tuple for each event, with as many fields as the table has columns', async () => {
    const { rows, days } = await encode(vehicleEventsTopic.name, [
      event(1),
      event(2, { timestamp: nowMs - 86_400_000 }),
    ]);
    expect(rows.ids).toEqual([uuid(1), uuid(2)]);
    expect(days.size).toBe(2);
    const { columns } = tablesByTopic.get(vehicleEventsTopic.name)!;
    for (const index of [0, 1]) expect(rows.tuples(index, index + 1).readInt16BE(0)).toBe(columns.length);
    expect(rows.tuples(0, 2)).toHaveLength(rows.tuples(0, 1).length + rows.tuples(1, 2).length);
  });

  it('keeps the first of those with the same id', async () => {
    const { rows, rejects } = await encode(vehicleEventsTopic.name, [
      event(1),
      event(2),
      event(1, { timestamp: nowMs + 1 }),
    ]);
    expect([0, 1].map((row) => rows.recordOf(row).offset)).toEqual([0n, 1n]);
    expect(rows.count).toBe(2);
    expect([0n, 1n, 2n].map((offset) => rows.firstFrom(offset))).toEqual([0, 1, 2]);
    expect(rejects).toEqual([]);
  });

  it('rejects what is not such an event, and goes on', async () => {
    const { rows, rejects } = await encode(vehicleEventsTopic.name, [
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

  it('rejects text with a NUL or half of a surrogate pair, wherever it is', async () => {
    const attributes = {
      hail_type: 'app',
      passenger_count: 1,
      requested_time: nowMs,
      quoted_trip_start_time: nowMs,
    };
    const { rejects } = await encode(tripsTopic.name, [
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
