import { telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { decompress } from 'fzstd';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { BlockRecord } from './encode-block.js';
import { parquetFormatOf } from './parquet.js';

const RECEIVED = Date.UTC(2026, 2, 1, 8, 0, 1);

function record(event: object, offset = 0n): BlockRecord {
  return { timeMs: RECEIVED, offset, receivedMs: RECEIVED, value: Buffer.from(JSON.stringify(event)) };
}

async function rows(topic: string, events: readonly object[]): Promise<Record<string, unknown>[]> {
  const format = await parquetFormatOf(topic);
  const bytes = await format.encode(
    events.map((event, index) => record(event, BigInt(index))),
    3,
  );
  return parquetReadObjects({
    file: arrayBuffer(bytes),
    compressors: { ZSTD: (input, length) => decompress(input, new Uint8Array(length)) },
  });
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

describe(parquetFormatOf, () => {
  it('stores each field of a telemetry point in a typed column', async () => {
    const { example } = telemetryFamily;
    const [row] = await rows('ride.telemetry', [example]);
    expect(row).toMatchObject({
      device_id: example.device_id,
      timestamp: new Date(example.timestamp),
      trip_ids: example.trip_ids,
      journey_id: null,
      lat: example.location.lat,
      lng: example.location.lng,
      speed: 8.3,
      h3_cell: expect.stringMatching(/^89[0-9a-f]{13}$/) as string,
      _unknown: null,
      _partition: 3,
      _offset: 0n,
      _received_at: new Date(RECEIVED),
    });
  });

  it.each([telemetryFamily, vehicleEventFamily, tripFamily])(
    'has all values of the example of $name',
    async (family) => {
      const [row] = await rows(family.topic.name, [family.example]);
      for (const [name, value] of Object.entries(family.example)) {
        if (typeof value === 'string' || typeof value === 'boolean') expect(row![name], name).toEqual(value);
      }
      expect(row!['_unknown']).toBeNull();
    },
  );

  it('keeps fields that it does not know, and values of other types', async () => {
    const event = { ...telemetryFamily.example, battery_percent: 'full', tire_pressure: 2.4 };
    const [row] = await rows('ride.telemetry', [event]);
    expect(row).toMatchObject({
      battery_percent: null,
      _unknown: { battery_percent: 'full', tire_pressure: 2.4 },
    });
  });

  it('accepts an event without a location', async () => {
    const [row] = await rows('ride.telemetry', [{ device_id: 'a' }]);
    expect(row).toMatchObject({ device_id: 'a', lat: null, geometry: null, h3_cell: null, timestamp: null });
  });

  it('describes its points as GeoParquet does', async () => {
    const format = await parquetFormatOf('ride.trips');
    const { key_value_metadata: metadata } = parquetMetadata(
      arrayBuffer(await format.encode([record(tripFamily.example)], 0)),
    );
    expect(JSON.parse(metadata![0]!.value!)).toEqual({
      version: '1.1.0',
      primary_column: 'start_geometry',
      columns: {
        start_geometry: { encoding: 'WKB', geometry_types: ['Point'] },
        end_geometry: { encoding: 'WKB', geometry_types: ['Point'] },
      },
    });
  });

  it('gives the same bytes for the same records, and their offsets', async () => {
    const format = await parquetFormatOf('ride.telemetry');
    const records = Array.from({ length: 500 }, (_, index) =>
      record(telemetryFamily.example, 2n ** 53n + BigInt(index)),
    );
    const bytes = await format.encode(records, 0);
    expect(bytes.equals(await format.encode(records, 0))).toBe(true);
    expect(await format.offsets(bytes)).toEqual(records.map(({ offset }) => offset));
  });

  it('refuses a topic without an event family', () => {
    expect(() => parquetFormatOf('other')).toThrow('topic "other" has no event family');
  });
});
