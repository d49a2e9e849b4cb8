import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { PbfReader } from 'pbf';
import { OsmError, type Member, type OsmElements } from './osm-elements.js';

/** Maximum sizes that the format allows, in bytes. */
const MAX_HEADER_BYTES = 64 * 1_024;
const MAX_BLOB_BYTES = 32 * 1_024 * 1_024;

/** Features that a reader must know to read a file. */
const KNOWN_FEATURES: ReadonlySet<string> = new Set([
  'OsmSchema-V0.6',
  'DenseNodes',
  'HistoricalInformation',
]);

const inflated = promisify(inflate);

/** Whether a file is an extract in PBF, by its first bytes: a length, and the type of the first blob. */
export function isPbf(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 32)).includes('OSMHeader');
}

/**
 * Reads an OpenStreetMap extract in PBF: blobs, each with a length, a header and compressed content. One blob is in memory at
 * a time.
 *
 * @throws OsmError if the file is damaged, or needs a feature that is not supported
 * @see https://wiki.openstreetmap.org/wiki/PBF_Format
 */
export async function readPbf(chunks: AsyncIterable<Uint8Array>, elements: OsmElements): Promise<void> {
  const bytes = new ByteQueue(chunks);
  for (;;) {
    const length = await bytes.take(4);
    if (length === undefined) return;
    const header = readBlobHeader(await required(bytes, length.readUInt32BE(0), MAX_HEADER_BYTES));
    const blob = await required(bytes, header.sizeBytes, MAX_BLOB_BYTES);
    try {
      const content = await contentOf(blob);
      if (header.type === 'OSMHeader') checkFeatures(content);
      else if (header.type === 'OSMData') new Block(content).read(elements);
    } catch (error) {
      if (error instanceof OsmError) throw error;
      throw new OsmError(`the PBF data is damaged (${(error as Error).message})`, { cause: error });
    }
  }
}

async function required(bytes: ByteQueue, size: number, most: number): Promise<Buffer> {
  if (size > most) throw new OsmError('the PBF data is damaged (a blob is too large)');
  const found = await bytes.take(size);
  if (found === undefined) throw new OsmError('the PBF data is truncated');
  return found;
}

/** Bytes of a stream, taken in pieces of a given size. */
class ByteQueue {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private parts: Uint8Array[] = [];
  private available = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Returns `undefined` at the end of the stream. @throws OsmError if the stream ends within the piece */
  async take(size: number): Promise<Buffer | undefined> {
    while (this.available < size) {
      const next = await this.chunks.next();
      if (next.done === true) {
        if (this.available === 0) return undefined;
        throw new OsmError('the PBF data is truncated');
      }
      this.parts.push(next.value);
      this.available += next.value.length;
    }
    const all = Buffer.concat(this.parts);
    this.parts = [all.subarray(size)];
    this.available -= size;
    return all.subarray(0, size);
  }
}

function readBlobHeader(bytes: Buffer): { readonly type: string; readonly sizeBytes: number } {
  const header = { type: '', sizeBytes: 0 };
  new PbfReader(bytes).readFields((tag, into, pbf) => {
    if (tag === 1) into.type = pbf.readString();
    else if (tag === 3) into.sizeBytes = pbf.readVarint();
  }, header);
  return header;
}

async function contentOf(blob: Buffer): Promise<Uint8Array> {
  const found: { raw?: Uint8Array; zlib?: Uint8Array; other?: number } = {};
  new PbfReader(blob).readFields((tag, into, pbf) => {
    if (tag === 1) into.raw = pbf.readBytes();
    else if (tag === 3) into.zlib = pbf.readBytes();
    else if (tag !== 2) into.other = tag;
  }, found);
  if (found.raw !== undefined) return found.raw;
  if (found.zlib !== undefined) return inflated(found.zlib, { maxOutputLength: MAX_BLOB_BYTES });
  throw new OsmError('the PBF data has a compression other than zlib; convert it with osmium cat');
}

function checkFeatures(content: Uint8Array): void {
  const features: string[] = [];
  new PbfReader(content).readFields((tag, into, pbf) => {
    if (tag === 4) into.push(pbf.readString());
  }, features);
  const unknown = features.filter((feature) => !KNOWN_FEATURES.has(feature));
  if (unknown.length > 0)
    throw new OsmError(`the PBF data requires ${unknown.join(', ')}, which is not supported`);
}

/** A block of elements that share a table of strings. */
class Block {
  private readonly strings: string[] = [];
  private readonly groups: Uint8Array[] = [];
  private granularity = 100;
  private latOffset = 0;
  private lngOffset = 0;

  constructor(content: Uint8Array) {
    new PbfReader(content).readFields((tag, block, pbf) => {
      if (tag === 1)
        new PbfReader(pbf.readBytes()).readFields((inner, strings, table) => {
          if (inner === 1) strings.push(table.readString());
        }, block.strings);
      else if (tag === 2) block.groups.push(pbf.readBytes());
      else if (tag === 17) block.granularity = pbf.readVarint();
      else if (tag === 19) block.latOffset = pbf.readVarint(true);
      else if (tag === 20) block.lngOffset = pbf.readVarint(true);
    }, this);
  }

  read(elements: OsmElements): void {
    for (const group of this.groups) {
      new PbfReader(group).readFields((tag, _into, pbf) => {
        if (tag === 1) this.readNode(pbf.readBytes(), elements);
        else if (tag === 2) this.readDenseNodes(pbf.readBytes(), elements);
        else if (tag === 3) this.readWay(pbf.readBytes(), elements);
        else if (tag === 4) this.readRelation(pbf.readBytes(), elements);
      }, undefined);
    }
  }

  private readNode(bytes: Uint8Array, elements: OsmElements): void {
    const node = { id: 0, lat: 0, lng: 0, keys: [] as number[], values: [] as number[], isVisible: true };
    new PbfReader(bytes).readFields((tag, into, pbf) => {
      if (tag === 1) into.id = pbf.readSVarint();
      else if (tag === 2) pbf.readPackedVarint(into.keys);
      else if (tag === 3) pbf.readPackedVarint(into.values);
      else if (tag === 4) into.isVisible = isVisible(pbf.readBytes());
      else if (tag === 8) into.lat = pbf.readSVarint();
      else if (tag === 9) into.lng = pbf.readSVarint();
    }, node);
    if (!node.isVisible) {
      elements.deleted(node.id);
      return;
    }
    this.emitNode(elements, node.id, node, this.tagsOf(node.keys, node.values));
  }

  private readDenseNodes(bytes: Uint8Array, elements: OsmElements): void {
    const dense = {
      ids: [] as number[],
      lats: [] as number[],
      lngs: [] as number[],
      pairs: [] as number[],
      visible: [] as number[],
    };
    new PbfReader(bytes).readFields((tag, into, pbf) => {
      if (tag === 1) pbf.readPackedSVarint(into.ids);
      else if (tag === 5) readVisible(pbf.readBytes(), into.visible);
      else if (tag === 8) pbf.readPackedSVarint(into.lats);
      else if (tag === 9) pbf.readPackedSVarint(into.lngs);
      else if (tag === 10) pbf.readPackedVarint(into.pairs);
    }, dense);
    let [id, lat, lng, at] = [0, 0, 0, 0];
    for (const [index, delta] of dense.ids.entries()) {
      id += delta;
      lat += dense.lats[index] ?? 0;
      lng += dense.lngs[index] ?? 0;
      const tags = new Map<string, string>();
      // Keys and values of a node, and a zero at the end.
      while (at < dense.pairs.length && dense.pairs[at] !== 0) {
        tags.set(this.strings[dense.pairs[at]!] ?? '', this.strings[dense.pairs[at + 1]!] ?? '');
        at += 2;
      }
      at += 1;
      if (dense.visible[index] === 0) elements.deleted(id);
      else this.emitNode(elements, id, { lat, lng }, tags);
    }
  }

  private emitNode(
    elements: OsmElements,
    id: number,
    { lat, lng }: { lat: number; lng: number },
    tags: ReadonlyMap<string, string>,
  ): void {
    const latitude = (this.latOffset + this.granularity * lat) / 1e9;
    const longitude = (this.lngOffset + this.granularity * lng) / 1e9;
    if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return;
    elements.node(id, longitude, latitude);
    if (tags.has('place')) elements.place(longitude, latitude, tags);
  }

  private readWay(bytes: Uint8Array, elements: OsmElements): void {
    const way = {
      id: 0,
      keys: [] as number[],
      values: [] as number[],
      refs: [] as number[],
      isVisible: true,
    };
    new PbfReader(bytes).readFields((tag, into, pbf) => {
      if (tag === 1) into.id = pbf.readVarint(true);
      else if (tag === 2) pbf.readPackedVarint(into.keys);
      else if (tag === 3) pbf.readPackedVarint(into.values);
      else if (tag === 4) into.isVisible = isVisible(pbf.readBytes());
      else if (tag === 8) pbf.readPackedSVarint(into.refs);
    }, way);
    if (way.isVisible) elements.way(way.id, sums(way.refs), this.tagsOf(way.keys, way.values));
    else elements.deleted();
  }

  private readRelation(bytes: Uint8Array, elements: OsmElements): void {
    const relation = {
      keys: [] as number[],
      values: [] as number[],
      roles: [] as number[],
      ids: [] as number[],
      types: [] as number[],
      isVisible: true,
    };
    new PbfReader(bytes).readFields((tag, into, pbf) => {
      if (tag === 2) pbf.readPackedVarint(into.keys);
      else if (tag === 3) pbf.readPackedVarint(into.values);
      else if (tag === 4) into.isVisible = isVisible(pbf.readBytes());
      else if (tag === 8) pbf.readPackedVarint(into.roles);
      else if (tag === 9) pbf.readPackedSVarint(into.ids);
      else if (tag === 10) pbf.readPackedVarint(into.types);
    }, relation);
    if (!relation.isVisible) {
      elements.deleted();
      return;
    }
    const members: Member[] = [];
    for (const [index, id] of sums(relation.ids).entries()) {
      if (relation.types[index] !== WAY_TYPE) continue;
      members.push({ way: id, role: this.strings[relation.roles[index]!] ?? '' });
    }
    elements.relation(members, this.tagsOf(relation.keys, relation.values));
  }

  private tagsOf(keys: readonly number[], values: readonly number[]): Map<string, string> {
    return new Map(keys.map((key, index) => [this.strings[key] ?? '', this.strings[values[index]!] ?? '']));
  }
}

/** `MemberType.WAY`. */
const WAY_TYPE = 1;

/** Ids are stored as differences from the one before. */
function sums(deltas: readonly number[]): number[] {
  let sum = 0;
  return deltas.map((delta) => (sum += delta));
}

/** `visible` of an element's metadata; without it, the element is visible. */
function isVisible(info: Uint8Array): boolean {
  const found = { isVisible: true };
  new PbfReader(info).readFields((tag, into, pbf) => {
    if (tag === 6) into.isVisible = pbf.readBoolean();
  }, found);
  return found.isVisible;
}

function readVisible(info: Uint8Array, visible: number[]): void {
  new PbfReader(info).readFields((tag, into, pbf) => {
    if (tag === 6) pbf.readPackedVarint(into);
  }, visible);
}
