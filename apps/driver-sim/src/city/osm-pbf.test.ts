import { deflateSync } from 'node:zlib';
import { PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import { OsmError, type OsmElements } from './osm-elements.js';
import { isPbf, readPbf } from './osm-pbf.js';

/** Writes messages by the numbers of the format's definition. */
function message(write: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish();
}

function blob(type: string, content: Uint8Array, compressed = true): Buffer {
  const body = message((pbf) => {
    if (!compressed) {
      pbf.writeBytesField(1, content);
      return;
    }
    pbf.writeVarintField(2, content.length);
    pbf.writeBytesField(3, deflateSync(content));
  });
  const header = message((pbf) => {
    pbf.writeStringField(1, type);
    pbf.writeVarintField(3, body.length);
  });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, body]);
}

const head = (...features: string[]): Buffer =>
  blob(
    'OSMHeader',
    message((pbf) => features.forEach((feature) => pbf.writeStringField(4, feature))),
  );

const strings = [
  '',
  'highway',
  'residential',
  'place',
  'town',
  'name',
  'Nice',
  'outer',
  'type',
  'multipolygon',
];

/** Two dense nodes of which the second is a place, a node that is not dense, a way and a relation. */
function block(): Uint8Array {
  const table = message((pbf) => strings.forEach((text) => pbf.writeBytesField(1, Buffer.from(text))));
  const dense = message((pbf) => {
    pbf.writePackedSVarint(1, [10, 1]);
    pbf.writePackedSVarint(8, [437_000_000, 1_000]);
    pbf.writePackedSVarint(9, [74_000_000, -2_000]);
    pbf.writePackedVarint(10, [0, 3, 4, 5, 6, 0]);
  });
  const node = message((pbf) => {
    pbf.writeSVarintField(1, 20);
    pbf.writeSVarintField(8, -10_000_000);
    pbf.writeSVarintField(9, -1_790_000_000);
  });
  const way = message((pbf) => {
    pbf.writeVarintField(1, 5);
    pbf.writePackedVarint(2, [1]);
    pbf.writePackedVarint(3, [2]);
    pbf.writePackedSVarint(8, [10, 1, 9]);
  });
  const relation = message((pbf) => {
    pbf.writeVarintField(1, 7);
    pbf.writePackedVarint(2, [8]);
    pbf.writePackedVarint(3, [9]);
    pbf.writePackedVarint(8, [7, 7]);
    pbf.writePackedSVarint(9, [5, 1]);
    pbf.writePackedVarint(10, [1, 0]);
  });
  return message((pbf) => {
    pbf.writeBytesField(1, table);
    pbf.writeBytesField(
      2,
      message((group) => group.writeBytesField(2, dense)),
    );
    pbf.writeBytesField(
      2,
      message((group) => group.writeBytesField(1, node)),
    );
    pbf.writeBytesField(
      2,
      message((group) => group.writeBytesField(3, way)),
    );
    pbf.writeBytesField(
      2,
      message((group) => group.writeBytesField(4, relation)),
    );
  });
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(bytes: Buffer, size = 50): Promise<unknown[]> {
  const calls: unknown[] = [];
  const elements: OsmElements = {
    node: (...args) => calls.push(['node', ...args]),
    place: (lng, lat, tags) => calls.push(['place', lng, lat, Object.fromEntries(tags)]),
    way: (id, refs, tags) => calls.push(['way', id, refs, Object.fromEntries(tags)]),
    relation: (members, tags) => calls.push(['relation', members, Object.fromEntries(tags)]),
    deleted: (...args) => calls.push(['deleted', ...args]),
  };
  await readPbf(chunksOf(bytes, size), elements);
  return calls;
}

describe(readPbf, () => {
  const expected = [
    ['node', 10, 7.4, 43.7],
    ['node', 11, 7.3998, 43.7001],
    ['place', 7.3998, 43.7001, { place: 'town', name: 'Nice' }],
    ['node', 20, -179, -1],
    ['way', 5, [10, 11, 20], { highway: 'residential' }],
    ['relation', [{ way: 5, role: 'outer' }], { type: 'multipolygon' }],
  ];

  it.each([
    [1, true],
    [50, true],
    [1_000_000, true],
    [50, false],
  ])('reads all elements in chunks of %i bytes (compressed: %s)', async (size, compressed) => {
    const bytes = Buffer.concat([
      head('OsmSchema-V0.6', 'DenseNodes'),
      blob('Other', Buffer.from('ignored')),
      blob('OSMData', block(), compressed),
    ]);
    expect(isPbf(bytes)).toBe(true);
    expect(await read(bytes, size)).toEqual(expected);
  });

  it('is not XML or gzip', () => {
    expect(isPbf(Buffer.from('<?xml version="1.0"?><osm>'))).toBe(false);
    expect(isPbf(Buffer.from([0x1f, 0x8b, 8, 0]))).toBe(false);
  });

  it.each([
    ['truncated', () => Buffer.concat([head(), blob('OSMData', block())]).subarray(0, 150), /truncated/],
    ['damaged', () => Buffer.concat([head(), blob('OSMData', block()).fill(9, 40)]), /damaged/],
    ['too large', () => Buffer.from([0x7f, 0, 0, 0, 1]), /damaged \(a blob is too large\)/],
    ['with an unknown feature', () => head('Sort.Spiral'), /requires Sort\.Spiral, which is not supported/],
    [
      'compressed in another way',
      () => {
        const body = message((pbf) => pbf.writeBytesField(7, Buffer.from('zstd')));
        const header = message((pbf) => {
          pbf.writeStringField(1, 'OSMData');
          pbf.writeVarintField(3, body.length);
        });
        return Buffer.concat([Buffer.from([0, 0, 0, header.length]), header, body]);
      },
      /compression other than zlib/,
    ],
  ])('rejects a file that is %s', async (_what, bytes, reason) => {
    await expect(read(bytes())).rejects.toThrow(OsmError);
    await expect(read(bytes())).rejects.toThrow(reason);
  });
});
