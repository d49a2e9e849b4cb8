import { createHash } from 'node:crypto';
import { init as loadZstd, compress } from '@bokuweb/zstd-wasm';
import { eventRegistry, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { encodeFiles } from '@hailstream/parquet';
import fc from 'fast-check';
import { decompress } from 'fzstd';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer, type BasicType, type ColumnSource } from 'hyparquet-writer';
import { beforeAll, describe, expect, it } from 'vitest';
import { parquetFormatOf } from './parquet-format.js';

const RECEIVED = Date.UTC(2026, 2, 1, 8, 0, 1);
const PARTITION = 3;
/** parquetWrite takes timestamps as dates, which end here. */
const LATEST_DATE_MS = 8.64e15;

interface FileOptions {
  readonly rows?: Uint32Array;
  readonly offset?: bigint;
}

async function fileOf(topic: string, events: readonly object[], options: FileOptions = {}): Promise<Buffer> {
  const { rows = Uint32Array.from(events.keys()), offset = 0n } = options;
  const collector = parquetFormatOf(topic, encodeFiles).collect(PARTITION);
  for (const [index, event] of events.entries()) {
    const value = Buffer.from(JSON.stringify(event));
    const record = { timeMs: RECEIVED, offset: offset + BigInt(index), receivedMs: RECEIVED, value };
    collector.push(record, JSON.parse(value.toString()) as Record<string, unknown>);
  }
  const [file] = await collector.encode([rows]);
  return file!;
}

async function rowsOf(topic: string, events: readonly object[], options?: FileOptions) {
  return readRows(await fileOf(topic, events, options));
}

function readRows(bytes: Buffer): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({
    file: arrayBuffer(bytes),
    compressors: { ZSTD: (input, length) => decompress(input, new Uint8Array(length)) },
    utf8: false,
    geoparquet: false,
  });
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

describe(parquetFormatOf, () => {
  it('stores each field of a telemetry point in a typed column', async () => {
    const { example } = telemetryFamily;
    const [row] = await rowsOf('ride.telemetry', [example]);
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
      const [row] = await rowsOf(family.topic.name, [family.example]);
      for (const [name, value] of Object.entries(family.example)) {
        if (typeof value === 'string' || typeof value === 'boolean') expect(row![name], name).toEqual(value);
      }
      expect(row!['_unknown']).toBeNull();
    },
  );

  it('keeps fields that it does not know, and values of other types', async () => {
    const event = { ...telemetryFamily.example, battery_percent: 'full', tire_pressure: 2.4, other: null };
    const [row] = await rowsOf('ride.telemetry', [event]);
    expect(row).toMatchObject({
      battery_percent: null,
      _unknown: { battery_percent: 'full', tire_pressure: 2.4 },
    });
  });

  it('keeps fields named __proto__', async () => {
    const event = JSON.parse('{"__proto__":{"a":1},"trip_ids":[{"__proto__":2}]}') as object;
    const [row] = await rowsOf('ride.telemetry', [event]);
    expect([row!['_unknown'], row!['trip_ids']].map((value) => JSON.stringify(value))).toEqual([
      '{"__proto__":{"a":1}}',
      '[{"__proto__":2}]',
    ]);
  });

  it('accepts an event without a location', async () => {
    const [row] = await rowsOf('ride.telemetry', [{ device_id: 'a' }]);
    expect(row).toMatchObject({ device_id: 'a', lat: null, geometry: null, h3_cell: null, timestamp: null });
  });

  it('encodes the records with the given numbers, as if the block had no others', async () => {
    const events = Array.from({ length: 3_000 }, (_, index) => ({
      ...telemetryFamily.example,
      telemetry_id: `point ${index}`,
      journey_id: index % 3 === 0 ? null : `journey ${index % 100}`,
    }));
    const rows = Uint32Array.from(events.keys()).filter((row) => row % 7 > 2);
    const bytes = await fileOf('ride.telemetry', events, { rows });
    const selected = Array.from(rows, (row) => events[row]!);
    expect(await readRows(bytes)).toMatchObject(
      selected.map(({ telemetry_id: id, journey_id: journey }) => ({
        telemetry_id: id,
        journey_id: journey,
      })),
    );
    const offsets = Array.from(rows, BigInt);
    expect(await parquetFormatOf('ride.telemetry', encodeFiles).offsets(bytes)).toEqual(offsets);
  });

  it('describes its points as GeoParquet does', async () => {
    const { key_value_metadata: metadata } = parquetMetadata(
      arrayBuffer(await fileOf('ride.trips', [tripFamily.example])),
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
    const offset = 2n ** 53n;
    const events = Array.from({ length: 500 }, () => telemetryFamily.example);
    const bytes = await fileOf('ride.telemetry', events, { offset });
    expect(bytes.equals(await fileOf('ride.telemetry', events, { offset }))).toBe(true);
    expect(await parquetFormatOf('ride.telemetry', encodeFiles).offsets(bytes)).toEqual(
      events.map((_, index) => offset + BigInt(index)),
    );
  });

  it('refuses a topic without an event family', () => {
    expect(() => parquetFormatOf('other', encodeFiles)).toThrow('topic "other" has no event family');
  });
});

// Its encoder is another one, so equal files show that pages, dictionaries, statistics and footer are right.
describe('the bytes of a file', () => {
  beforeAll(() => loadZstd());

  const value = fc.oneof(
    fc.constantFrom(null, undefined, true, false, 0, -0, 1, -1.5, 2 ** 40, -(2 ** 33) - 1, 1_772_352_000_000),
    fc.constantFrom(
      '',
      'a',
      'ab',
      'é',
      '\u{10ffff}',
      '\uffff',
      'a text of more than 16 characters',
      'ÿ'.repeat(20),
    ),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.double({ noNaN: true, min: -LATEST_DATE_MS, max: LATEST_DATE_MS }),
    fc.constantFrom(
      [],
      ['a', null],
      { a: 1 },
      { lat: 1.5, lng: -0 },
      { lat: 1.5, lng: 0 },
      { lat: 43.7, lng: 7.4, speed: 1 },
    ),
  );

  it.each([...eventRegistry.byTopic.keys()])(
    'are those that parquetWrite gives for its values, %s',
    async (topic) => {
      const { properties } = eventRegistry.byTopic.get(topic)!.schema as unknown as { properties: object };
      const fields = Object.fromEntries([...Object.keys(properties), 'other'].map((name) => [name, value]));
      const events = fc.array(fc.record(fields), { minLength: 1, maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(events, fc.integer({ min: 1, max: 60 }), async (distinct, repeats) => {
          const repeated = Array.from({ length: repeats }, () => distinct).flat();
          await expectWrittenLikeParquetWrite(await fileOf(topic, repeated));
        }),
        { numRuns: 40 },
      );
    },
  );

  // A block that one version has claimed may be written by the next one.
  it.each([
    [telemetryFamily, 'd2f3596d9c3e0551826735342e2c1da98f8cd0920b96eeed6332d84311383a97'],
    [tripFamily, '5d89c508e28e2d02ad993abfc49f8ba43f6271b073acf8888cf460d2300cd7e4'],
    [vehicleEventFamily, '7479e3ffa3170cb26df1410151b52ef071fe707bb43e93659539b000376d4870'],
  ])('are the same in all versions, $name', async ({ topic, example }, sha256) => {
    const bytes = await fileOf(
      topic.name,
      Array.from({ length: 50 }, () => example),
    );
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  // Writes a hundred thousand records twice, which takes long on a busy machine.
  it(
    'are those that parquetWrite gives, with several pages and row groups',
    { timeout: 240_000 },
    async () => {
      const events = Array.from({ length: 100_500 }, (_, index) => ({
        ...telemetryFamily.example,
        device_id: `device ${index % 97}`,
        telemetry_id: `${index % 5 === 0 ? 'é' : ''}${index * 7_919} of this block of records`,
        timestamp: RECEIVED - (index % 1_000),
        journey_id: index % 4 === 0 ? `${index}`.repeat(8) : null,
        location: { lat: 43.7 + (index % 10_007) / 1e6, lng: 7.4 - index / 1e7, speed: index % 30 },
        tipped_over: [true, false, null][index % 3],
      }));
      const bytes = await fileOf('ride.telemetry', events);
      const { row_groups: groups } = parquetMetadata(arrayBuffer(bytes));
      expect(groups).toHaveLength(2);
      expect(
        groups[0]!.columns.filter(({ offset_index_offset: offset }) => offset !== undefined).length,
      ).toBeGreaterThan(1);
      await expectWrittenLikeParquetWrite(bytes);
    },
  );
});

async function expectWrittenLikeParquetWrite(bytes: Buffer): Promise<void> {
  const { schema, key_value_metadata: kvMetadata } = parquetMetadata(arrayBuffer(bytes));
  const rows = await readRows(bytes);
  const columnData = schema
    .slice(1)
    .map(({ name, type, converted_type: converted, repetition_type: repetition }): ColumnSource => ({
      name,
      type: types.get(converted) ?? (type as BasicType),
      nullable: repetition === 'OPTIONAL',
      data: rows.map((row) => row[name]),
    }));
  const expected = parquetWriteBuffer({
    columnData,
    codec: 'ZSTD',
    compressors: { ZSTD: (content) => compress(content as Buffer, 3) },
    rowGroupSize: 100_000,
    ...(kvMetadata && { kvMetadata }),
    createdBy: 'hailstream',
  });
  expect(bytes.equals(Buffer.from(expected))).toBe(true);
}

const types = new Map<string | undefined, BasicType>([
  ['UTF8', 'STRING'],
  ['JSON', 'JSON'],
  ['TIMESTAMP_MILLIS', 'TIMESTAMP'],
]);
