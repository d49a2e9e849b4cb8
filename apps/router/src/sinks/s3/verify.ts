import { createHash } from 'node:crypto';
import type { Admin, RangeReader } from '@hailstream/log';
import { rangeOfKey, hourManifestKey } from './layout.js';
import type { BlockStore } from './block-store.js';
import type { ObjectFormat } from './formats/object-format.js';
import {
  encodeManifest,
  hoursOf,
  withBlock,
  type BlockManifest,
  type HourManifest,
  type StoredObject,
} from './manifests.js';
import type { ObjectStore } from './object-store.js';
import { readBlock, type ReadBlockOptions } from './read-block.js';

/** Problems that are described; all of them are counted. */
const MAX_PROBLEMS = 20;

/** How the objects of a job compare with the log. */
export interface Verification {
  readonly objects: number;
  /** Records in the objects. */
  readonly records: number;
  /** Records of the log that no object has. */
  readonly missing: number;
  /** Records that objects have more than once, and records of objects that no block lists. */
  readonly overlapping: number;
  /** Records about erased riders and devices, which no object should have; they do not count as missing. */
  readonly erased: number;
  /** Records of the log that the job has not delivered yet; they do not count as missing. */
  readonly pending: number;
  /** Descriptions of the first {@link MAX_PROBLEMS} problems. */
  readonly problems: readonly string[];
}

interface VerifyOptions {
  readonly prefix: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly store: ObjectStore;
  readonly blocks: BlockStore;
  readonly formatOf: (topic: string) => ObjectFormat;
  readonly limits: ReadBlockOptions['limits'];
  readonly signal: AbortSignal;
  timeOf(topic: string, ...args: Parameters<ReadBlockOptions['timeOf']>): number;
  matches: ReadBlockOptions['matches'];
}

/** Reads the log up to the committed positions and every object, and compares them record by record. */
export async function verifyObjects(options: VerifyOptions): Promise<Verification> {
  const verifier = new Verifier(options);
  for (const topic of options.topics) await verifier.verifyTopic(topic);
  return verifier.result();
}

class Verifier {
  private objects = 0;
  private records = 0;
  private missing = 0;
  private overlapping = 0;
  private pending = 0;
  private erased = 0;
  private readonly problems: string[] = [];

  constructor(private readonly options: VerifyOptions) {}

  result(): Verification {
    const { objects, records, missing, overlapping, erased, pending, problems } = this;
    return { objects, records, missing, overlapping, erased, pending, problems };
  }

  async verifyTopic(topic: string): Promise<void> {
    const { admin, groupId, prefix, store } = this.options;
    const offsets = await admin.offsets(topic, { isolation: 'read_committed' });
    const committed = await admin.committed(groupId, topic);
    const unlisted = new Map<string, string[]>();
    for (const folder of [`${prefix}topic=${topic}/`, `${prefix}late/topic=${topic}/`]) {
      for await (const key of store.list(folder)) {
        const range = rangeOfKey(key);
        if (range) unlisted.set(key, []);
      }
    }
    const hours = new Map<number, HourManifest>();
    for (const [partition, { earliest, latest }] of offsets) {
      const position = committed.get(partition) ?? earliest;
      this.pending += await this.countRecords(topic, partition, position, latest);
      await this.verifyPartition(topic, partition, { earliest, position, hours, unlisted });
    }
    for (const key of unlisted.keys()) {
      const found = await store.get(key);
      if (found) this.overlapping += (await this.decode(topic, key, found.bytes)).length;
      this.problem(`${key} is not in the manifest of its block`);
    }
    for (const [hourMs, manifest] of hours) await this.verifyHour(topic, hourMs, manifest);
  }

  private async verifyPartition(
    topic: string,
    partition: number,
    context: {
      readonly earliest: bigint;
      readonly position: bigint;
      readonly hours: Map<number, HourManifest>;
      readonly unlisted: Map<string, unknown>;
    },
  ): Promise<void> {
    const { earliest, position, hours, unlisted } = context;
    let next: bigint | undefined;
    for await (const block of this.options.blocks.blocks(topic, partition)) {
      const [from, to] = [BigInt(block.from), BigInt(block.to)];
      for (const { key } of block.objects) unlisted.delete(key);
      if (from >= position) continue; // Claimed, but not delivered yet.
      const expected = next ?? earliest;
      if (from > expected) await this.reportGap(topic, partition, expected, from);
      if (next !== undefined && from < next) {
        this.problem(`${topic}/${partition}: the blocks before and from ${from} overlap`);
      }
      next = to;
      await this.verifyBlock(block, earliest);
      for (const hourMs of hoursOf(block)) hours.set(hourMs, withBlock(hours.get(hourMs), block, hourMs));
    }
    const end = next ?? earliest;
    if (end < position) await this.reportGap(topic, partition, end, position);
  }

  private async reportGap(topic: string, partition: number, from: bigint, to: bigint): Promise<void> {
    const records = await this.countRecords(topic, partition, from, to);
    if (records === 0) return;
    this.missing += records;
    this.problem(
      `${topic}/${partition}: no block has the ${records} records from offset ${from} to ${to - 1n}`,
    );
  }

  private async verifyBlock(block: BlockManifest, earliest: bigint): Promise<void> {
    const stored = new Map<bigint, number>();
    for (const object of block.objects) {
      for (const offset of await this.offsetsOf(block.topic, object))
        stored.set(offset, (stored.get(offset) ?? 0) + 1);
    }
    for (const count of stored.values()) this.overlapping += count - 1;
    const erased = new Set(block.erased);
    this.erased += erased.size;
    if (BigInt(block.from) < earliest) return; // The log has deleted a part of the block, so they cannot be compared.
    let missing = 0;
    for (const offset of await this.readLog(block)) {
      if (!stored.delete(offset) && !erased.has(String(offset))) missing += 1;
    }
    this.missing += missing;
    const place = `${block.topic}/${block.partition}: block ${block.from} to ${block.to}`;
    if (missing > 0) this.problem(`${place} lacks ${missing} records`);
    if (stored.size > 0) {
      this.overlapping += stored.size;
      this.problem(`${place} has ${stored.size} records that the log does not have there`);
    }
  }

  /** The offsets of the records in an object; none if the object does not exist or has changed. */
  private async offsetsOf(topic: string, { key, records, sha256 }: StoredObject): Promise<readonly bigint[]> {
    const found = await this.options.store.get(key);
    if (found === undefined) {
      this.problem(`${key} does not exist`);
      return [];
    }
    this.objects += 1;
    if (createHash('sha256').update(found.bytes).digest('hex') !== sha256) {
      this.problem(`${key} has another SHA-256 than its manifest`);
    }
    const offsets = await this.decode(topic, key, found.bytes);
    if (offsets.length !== records)
      this.problem(`${key} has ${offsets.length} records, its manifest has ${records}`);
    this.records += offsets.length;
    return offsets;
  }

  private async decode(topic: string, key: string, bytes: Buffer): Promise<readonly bigint[]> {
    try {
      return await this.options.formatOf(topic).offsets(bytes);
    } catch (error) {
      this.problem(`${key} cannot be decoded: ${(error as Error).message}`);
      return [];
    }
  }

  private async verifyHour(topic: string, hourMs: number, expected: HourManifest): Promise<void> {
    const key = hourManifestKey(this.options.prefix, topic, hourMs);
    const found = await this.options.store.get(key);
    if (found === undefined) this.problem(`${key} does not exist`);
    else if (!found.bytes.equals(encodeManifest(expected)))
      this.problem(`${key} does not list the objects of its hour`);
  }

  /** The offsets of the records that the block should have. */
  private async readLog(block: BlockManifest): Promise<readonly bigint[]> {
    const { reader, groupId, limits, matches, timeOf, signal } = this.options;
    const { topic, topicId, partition } = block;
    const [from, to] = [BigInt(block.from), BigInt(block.to)];
    const offsets: bigint[] = [];
    await readBlock({
      reader,
      groupId,
      topic,
      topicId,
      partition,
      from,
      to,
      end: to,
      limits,
      timeOf: (event, record) => timeOf(topic, event, record),
      matches,
      onRecord: ({ offset }) => void offsets.push(offset),
      signal,
    });
    return offsets;
  }

  private async countRecords(topic: string, partition: number, from: bigint, to: bigint): Promise<number> {
    if (to <= from) return 0;
    const { reader, signal } = this.options;
    let count = 0;
    const ranges = [{ topic, partition, from, to }];
    for await (const { records } of await reader.readRange({
      ranges,
      signal,
      onGap: () => undefined,
      onUndecodable: () => undefined,
    })) {
      count += records.length;
    }
    return count;
  }

  private problem(text: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(text);
    else if (this.problems.length === MAX_PROBLEMS) this.problems.push('and more');
  }
}
