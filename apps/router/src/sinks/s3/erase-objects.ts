import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { anonymousTrip, eventRegistry, isTrip, riderEventFamily, tripFamily } from '@hailstream/events';
import type { Admin, LogRecord } from '@hailstream/log';
import type { Erasures } from '../../erasures/erasures.js';
import type { Event } from '../../router-file/filter.js';
import { SinkError } from '../sink.errors.js';
import type { EncodedObject } from './block-records.js';
import type { BlockStore } from './block-store.js';
import type { ObjectFormat, StoredRecord } from './formats/object-format.js';
import { hourName, type BlockManifest, type StoredObject } from './manifests.js';
import type { ObjectStore } from './object-store.js';

const UUIDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** What was erased from the objects of a job. */
export interface ErasedObjects {
  /** Objects that were read. */
  readonly objects: number;
  /** Objects with records that were erased. */
  readonly rewritten: number;
  /** Records that were removed. */
  readonly removed: number;
  /** Trips that were made anonymous. */
  readonly pseudonymised: number;
  /** Blocks that are being delivered: they may have been claimed before the erasure. */
  readonly pendingBlocks: number;
}

interface EraseObjectsOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly admin: Admin;
  readonly store: ObjectStore;
  readonly blocks: BlockStore;
  readonly erasures: Erasures;
  readonly formatOf: (topic: string) => ObjectFormat;
  timeOf(topic: string, event: Event, record: Pick<LogRecord, 'timestampMs'>): number;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  /** Called after each block. */
  readonly onProgress: (objects: ErasedObjects) => void;
}

/**
 * Removes the records about erased riders and devices from the objects of delivered blocks, and makes their trips anonymous.
 * Manifests remain true at every step that is not interrupted, and a repeated call completes one that was. Objects without such
 * records are not changed. One process at a time.
 *
 * @throws SinkError if an object cannot be read or replaced
 */
export async function eraseObjects(options: EraseObjectsOptions): Promise<ErasedObjects> {
  return new ObjectEraser(options).erase();
}

class ObjectEraser {
  private result = { objects: 0, rewritten: 0, removed: 0, pseudonymised: 0, pendingBlocks: 0 };
  /** Trips of erased riders: provider and id. */
  private readonly riderTrips = new Set<string>();

  constructor(private readonly options: EraseObjectsOptions) {}

  async erase(): Promise<ErasedObjects> {
    const { erasures, topics, blocks, isDryRun } = this.options;
    if (!isDryRun) await blocks.completeRewrites();
    if (erasures.isEmpty) return this.result;
    const personal = topics.filter((topic) => eventRegistry.byTopic.has(topic));
    if (personal.includes(riderEventFamily.topic.name)) await this.findRiderTrips();
    // Trips first: those of a rider are found by the rider's events, also by the next call if this one is interrupted.
    const isTripTopic = (topic: string): boolean => topic === tripFamily.topic.name;
    for (const topic of personal.toSorted(
      (one, other) => Number(isTripTopic(other)) - Number(isTripTopic(one)),
    )) {
      for await (const block of this.deliveredBlocks(topic)) {
        await this.eraseBlock(block);
        this.options.onProgress(this.result);
      }
    }
    return this.result;
  }

  private async findRiderTrips(): Promise<void> {
    const { erasures, formatOf } = this.options;
    if (erasures.idsOf('rider').length === 0) return;
    const format = formatOf(riderEventFamily.topic.name);
    for await (const block of this.deliveredBlocks(riderEventFamily.topic.name)) {
      for (const object of block.objects) {
        for (const { event } of await this.read(object, format))
          if (erasures.cover(event)) this.riderTrips.add(placeOfTrip(event));
      }
    }
    this.result.pendingBlocks = 0;
  }

  private async *deliveredBlocks(topic: string): AsyncGenerator<BlockManifest, void, void> {
    const { admin, groupId, blocks, signal } = this.options;
    const positions = await admin.committed(groupId, topic);
    for (const partition of (await admin.offsets(topic)).keys()) {
      const position = positions.get(partition);
      for await (const block of blocks.blocks(topic, partition)) {
        signal.throwIfAborted();
        // Without a position, what the bucket has is complete: the group has expired.
        if (position === undefined || BigInt(block.from) < position) yield block;
        else this.result.pendingBlocks += 1;
      }
    }
  }

  private async eraseBlock(block: BlockManifest): Promise<void> {
    const format = this.options.formatOf(block.topic);
    const erased: string[] = [];
    const changed: EncodedObject[] = [];
    for (const object of block.objects) {
      const records = await this.read(object, format);
      this.result.objects += 1;
      const kept: StoredRecord[] = [];
      let pseudonymised = 0;
      for (const record of records) {
        const event = this.erasedEvent(record.event);
        if (event === record.event) kept.push(record);
        else if (event === undefined) erased.push(String(record.offset));
        else {
          pseudonymised += 1;
          kept.push({ ...record, event, value: Buffer.from(JSON.stringify(event)) });
        }
      }
      const removed = records.length - kept.length;
      if (removed + pseudonymised === 0) continue;
      this.result.rewritten += 1;
      this.result.removed += removed;
      this.result.pseudonymised += pseudonymised;
      if (!this.options.isDryRun) changed.push(await this.encode(block, object, kept));
    }
    if (changed.length === 0) return;
    const byKey = new Map(changed.map(({ stored }) => [stored.key, stored]));
    const rewritten: BlockManifest = {
      ...block,
      objects: block.objects.map((object) => byKey.get(object.key) ?? object),
      erased: [...(block.erased ?? []), ...erased],
      rewrites: (block.rewrites ?? 0) + 1,
    };
    await this.options.blocks.rewrite(rewritten, block, changed);
  }

  /** The event without what must be erased, the same event if there is nothing, or `undefined` if it must be removed. */
  private erasedEvent(event: Event): Event | undefined {
    const { erasures } = this.options;
    let remaining = event;
    if (isTrip(event)) {
      if (erasures.cover(event) || this.riderTrips.has(placeOfTrip(event))) {
        const anonymous = anonymousTrip(event, (kind, id) => erasures.has(kind, id));
        if (!isDeepStrictEqual(anonymous, { ...event })) remaining = anonymous;
      }
    } else if (erasures.cover(event)) return undefined;
    // A field that this version does not know may have the id, too.
    for (const [id] of JSON.stringify(remaining).matchAll(UUIDS))
      if (erasures.has('rider', id) || erasures.has('device', id)) return undefined;
    return remaining;
  }

  private async encode(
    { topic, partition }: BlockManifest,
    { key, hours }: StoredObject,
    records: readonly StoredRecord[],
  ): Promise<EncodedObject> {
    const { formatOf, timeOf } = this.options;
    const collector = formatOf(topic).collect(partition);
    // An hour without records remains listed, so that its manifest is replaced, too.
    const counts: Record<string, number> = Object.fromEntries(Object.keys(hours).map((hour) => [hour, 0]));
    for (const record of records) {
      collector.push(record, record.event);
      const hour = hourName(timeOf(topic, record.event, { timestampMs: record.receivedMs }));
      counts[hour] = (counts[hour] ?? 0) + 1;
    }
    const [bytes] = await collector.encode([Uint32Array.from(records.keys())]);
    const sha256 = createHash('sha256').update(bytes!).digest('hex');
    const stored = { key, records: records.length, sizeBytes: bytes!.length, sha256, hours: counts };
    return { stored, bytes: bytes! };
  }

  private async read({ key, sha256 }: StoredObject, format: ObjectFormat): Promise<readonly StoredRecord[]> {
    const found = await this.options.store.get(key);
    if (found && createHash('sha256').update(found.bytes).digest('hex') === sha256)
      return format.read(found.bytes);
    const reason = found ? 'has another SHA-256 than its manifest' : 'does not exist';
    throw new SinkError('INVALID_OBJECT', `${key} ${reason}: verify the job`, { retryable: false });
  }
}

function placeOfTrip(event: Event): string {
  return `${String(event['provider_id'])}/${String(event[tripFamily.fields.id])}`;
}
