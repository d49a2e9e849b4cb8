import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { SinkError } from '../sink.errors.js';
import { hourOf } from './layout.js';

const Offset = Type.String({ pattern: '^\\d+$' });
const Count = Type.Integer({ minimum: 0 });

/** Identifies the topic of the stored records: the same offset is another record in another topic. */
const LogIdentity = Type.Object({
  version: Type.Literal(1),
  clusterId: Type.String(),
  topicId: Type.String(),
});
type LogIdentity = Type.Static<typeof LogIdentity>;

/** An object with records of one block. */
const StoredObject = Type.Object({
  key: Type.String({ minLength: 1 }),
  records: Count,
  sizeBytes: Count,
  /** In hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Records by hour: one hour, or several if the object has late records. */
  hours: Type.Record(Type.String(), Count),
});
export type StoredObject = Type.Static<typeof StoredObject>;

/**
 * A block: offsets `from` up to, but not including, `to` of a partition, and the objects that have its records. It is
 * written before them, so that a process that continues after a crash writes the same objects.
 */
const BlockManifest = Type.Object({
  version: Type.Literal(1),
  clusterId: Type.String(),
  topicId: Type.String(),
  topic: Type.String(),
  partition: Count,
  from: Offset,
  to: Offset,
  /** Records of the log in the block; those that are not in an object were filtered out or are dead letters. */
  read: Count,
  filtered: Count,
  deadLettered: Count,
  /** Offsets that the log had deleted before they were read. */
  lostOffsets: Count,
  objects: Type.Array(StoredObject),
  /** Offsets of records about erased riders and devices, which are in no object. */
  erased: Type.Optional(Type.Array(Offset)),
  /** How often its objects were replaced after they were delivered, to erase records. */
  rewrites: Type.Optional(Count),
});
export type BlockManifest = Type.Static<typeof BlockManifest>;

const HourEntry = Type.Object({
  key: Type.String({ minLength: 1 }),
  partition: Count,
  from: Offset,
  to: Offset,
  /** Records of this hour; the object may have others if they are late. */
  records: Count,
  objectRecords: Count,
  sizeBytes: Count,
  sha256: Type.String(),
});

/** The objects that have records of one hour, ordered by partition and offset. */
const HourManifest = Type.Object({
  version: Type.Literal(1),
  topic: Type.String(),
  hour: Type.String(),
  records: Count,
  objects: Type.Array(HourEntry),
});
export type HourManifest = Type.Static<typeof HourManifest>;

const compiledIdentity = Compile(LogIdentity);
const compiledBlock = Compile(BlockManifest);
const compiledHour = Compile(HourManifest);

/** @throws SinkError `INVALID_OBJECT` if the bytes do not identify a topic */
export function parseLogIdentity(key: string, bytes: Buffer): LogIdentity {
  return parse(key, bytes, (value) => (compiledIdentity.Check(value) ? value : undefined));
}

/** @throws SinkError `INVALID_OBJECT` if the bytes are not a block manifest */
export function parseBlockManifest(key: string, bytes: Buffer): BlockManifest {
  return parse(key, bytes, (value) => (compiledBlock.Check(value) ? value : undefined));
}

/** @throws SinkError `INVALID_OBJECT` if the bytes are not a manifest of an hour */
export function parseHourManifest(key: string, bytes: Buffer): HourManifest {
  return parse(key, bytes, (value) => (compiledHour.Check(value) ? value : undefined));
}

/** The bytes of a manifest: the same for equal manifests. */
export function encodeManifest(manifest: BlockManifest | HourManifest | LogIdentity): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

/** The hours (milliseconds) of which a block has records. */
export function hoursOf({ objects }: BlockManifest): number[] {
  const hours = new Set(objects.flatMap((object) => Object.keys(object.hours)).map((iso) => Date.parse(iso)));
  return [...hours].toSorted((a, b) => a - b);
}

/** Adds the objects of a block to the manifest of an hour. Returns the same manifest if it has them already. */
export function withBlock(
  manifest: HourManifest | undefined,
  block: BlockManifest,
  hourMs: number,
): HourManifest {
  const hour = hourName(hourMs);
  const known = manifest ?? { version: 1, topic: block.topic, hour, records: 0, objects: [] };
  const keys = new Set(known.objects.map(({ key }) => key));
  const added = block.objects
    .filter(({ key, hours }) => hour in hours && !keys.has(key))
    .map(({ key, hours, records, sizeBytes, sha256 }) => ({
      key,
      partition: block.partition,
      from: block.from,
      to: block.to,
      records: hours[hour] ?? 0,
      objectRecords: records,
      sizeBytes,
      sha256,
    }));
  if (added.length === 0 && manifest) return manifest;
  const objects = [...known.objects, ...added].toSorted(byPlace);
  return { ...known, records: objects.reduce((sum, { records }) => sum + records, 0), objects };
}

/** Replaces the objects of a block in the manifest of an hour. */
export function withRewrittenBlock(
  manifest: HourManifest | undefined,
  block: BlockManifest,
  hourMs: number,
): HourManifest {
  if (manifest === undefined) return withBlock(undefined, block, hourMs);
  const keys = new Set(block.objects.map(({ key }) => key));
  const others = manifest.objects.filter(({ key }) => !keys.has(key));
  return withBlock({ ...manifest, objects: others }, block, hourMs);
}

/** The name of an hour in manifests: its start in ISO 8601. */
export function hourName(timeMs: number): string {
  return new Date(hourOf(timeMs)).toISOString();
}

function byPlace(a: HourManifest['objects'][number], b: HourManifest['objects'][number]): number {
  if (a.partition !== b.partition) return a.partition - b.partition;
  if (a.from !== b.from) return BigInt(a.from) < BigInt(b.from) ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

function parse<T>(key: string, bytes: Buffer, check: (value: unknown) => T | undefined): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new SinkError('INVALID_OBJECT', `${key} is not JSON`, { retryable: false, cause: error });
  }
  const manifest = check(value);
  if (manifest === undefined) {
    throw new SinkError('INVALID_OBJECT', `${key} is not a manifest that this version can read`, {
      retryable: false,
    });
  }
  return manifest;
}
