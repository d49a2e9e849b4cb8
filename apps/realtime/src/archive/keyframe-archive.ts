import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as giveWay } from 'node:timers/promises';
import type { HistoryOrder } from '@hailstream/events/live';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import type { TripPacks } from '../fold/fleet-trips.js';
import type { LateBlock } from '../late-events/late-event.js';
import { LateEventStore } from '../late-events/late-event-store.js';
import { writeChanges, type IndexChanges, type LogIndex } from '../log/log-index.js';
import { KeyframeJournal } from './keyframe-journal.js';
import { KeyframeStore } from './keyframe-store.js';
import type { KeyframeHeader } from './keyframe.js';
import { readTripPack, TripPackStore } from './trip-pack-store.js';

/** Maximum time of a step of reading the journal, between which ticks and batches are processed. */
const MAX_STEP_MS = 8;

/** Late events may take this part of the size of the keyframes. */
const LATE_SHARE = 1 / 8;

interface ArchivedKeyframe {
  readonly number: number;
  readonly file: string;
  readonly header: KeyframeHeader;
}

/** A city as it is written: its bytes, and the packs of trips that they refer to. */
interface WrittenCity {
  readonly bytes: Buffer;
  readonly packs: TripPacks;
}

/** A keyframe that was read. */
export interface ReadKeyframe {
  readonly header: KeyframeHeader;
  readonly city: WrittenCity;
}

/**
 * The keyframes of a folder with the packs that they refer to, and the index of the log and the late events from the oldest one
 * on.
 */
export class KeyframeArchive {
  private readonly store: KeyframeStore;
  private readonly packs: TripPackStore;
  private readonly journal: KeyframeJournal;
  readonly late: LateEventStore;
  private readonly headers = new Map<number, KeyframeHeader>();

  /**
   * The caller locks the folder.
   *
   * @param maxBytes maximum size of the keyframes and packs, unless a single keyframe is larger
   */
  constructor(
    readonly folder: string,
    private readonly maxBytes: number,
    private index: LogIndex,
  ) {
    this.store = new KeyframeStore(folder);
    this.packs = new TripPackStore(folder);
    this.journal = new KeyframeJournal(join(folder, 'journal'));
    this.late = new LateEventStore(folder, maxBytes * LATE_SHARE);
    index.keepsLate = true;
  }

  /**
   * Opens the folder and fills the index. Returns the newest readable keyframe, or `null` if no keyframe is readable.
   *
   * @param onDamaged called for each keyframe that cannot be read, and is removed
   */
  async open(onDamaged: (error: unknown, file: string) => void): Promise<ReadKeyframe | null> {
    await mkdir(this.folder, { recursive: true });
    await this.store.open();
    await this.packs.open();
    for (const keyframe of this.store.list().toReversed()) {
      try {
        const { header, city: bytes } = await this.store.read(keyframe);
        const read = { header, city: { bytes, packs: await this.readPacks(header) } };
        await this.readJournal(keyframe.number, read.header);
        return read;
      } catch (error) {
        onDamaged(error, keyframe.file);
        await this.store.remove([keyframe]);
      }
    }
    await this.reset();
    return null;
  }

  get count(): number {
    return this.store.list().length;
  }

  /** Size of the keyframes, and of the packs. */
  get sizeBytes(): number {
    return this.store.sizeBytes + this.packs.sizeBytes;
  }

  /** Writes a keyframe. `changes` are those of the index up to its positions. */
  async write(
    of: Omit<KeyframeHeader, 'packs'>,
    { bytes, packs }: WrittenCity,
    changes: IndexChanges,
  ): Promise<void> {
    const header = { ...of, packs: [...packs.keys()] };
    const number = this.store.nextNumber;
    // Before the keyframe, which refers to them. Those of a keyframe that is not completed are removed later.
    await this.packs.write(packs.values());
    const block = changes.late.length === 0 ? null : await this.late.write(number, changes.late);
    const entry = entryOf(new Map([[number, header]]), block === null ? [] : [block], changes);
    const confirm = await this.journal.append(entry);
    await this.store.write(header, bytes);
    confirm();
    if (block !== null) this.late.add(block);
    this.index.confirm(changes);
    this.index.keepsLate = !this.late.isFull;
    this.headers.set(number, header);
    await this.thinOut();
    await this.forgetRemoved();
  }

  /** Removes keyframes so that about as many records are between each two of those that are left. */
  private async thinOut(): Promise<void> {
    while (this.isOverfull) {
      const stored = this.store.list();
      const records = stored.map(({ number }) => recordsOf(this.headers.get(number)!));
      let [victim, fewest] = [0, Number.POSITIVE_INFINITY];
      for (let at = 1; at < stored.length - 1; at += 1) {
        const between = records[at + 1]! - records[at - 1]!;
        if (between < fewest) [victim, fewest] = [at, between];
      }
      await this.removeKeyframes([stored[victim]!]);
    }
  }

  private get isOverfull(): boolean {
    return this.store.isOverfull || (this.sizeBytes > this.maxBytes && this.count > 1);
  }

  private async removeKeyframes(keyframes: Parameters<KeyframeStore['remove']>[0]): Promise<void> {
    await this.store.remove(keyframes);
    const numbers = new Set(this.store.list().map(({ number }) => number));
    for (const number of this.headers.keys()) if (!numbers.has(number)) this.headers.delete(number);
    await this.packs.retain(new Set([...this.headers.values()].flatMap(({ packs }) => packs)));
  }

  private async readPacks({ packs: ids }: KeyframeHeader): Promise<TripPacks> {
    const packs = await Promise.all(ids.map((id) => readTripPack(this.folder, id)));
    return new Map(packs.map((pack) => [pack.id, pack]));
  }

  /** The newest keyframe that contains no event of a later time; `null` if the moment is before the oldest one. */
  newestBefore(by: HistoryOrder, at: number): ArchivedKeyframe | null {
    for (const { number, file } of this.store.list().toReversed()) {
      const header = this.headers.get(number);
      if (header !== undefined && (header.latest[by] ?? Number.NEGATIVE_INFINITY) <= at)
        return { number, file, header };
    }
    return null;
  }

  get oldest(): KeyframeHeader | null {
    return this.headers.get(this.store.list()[0]?.number ?? 0) ?? null;
  }

  /** Removes the oldest keyframes for which `isUseless` holds. Returns their number. */
  async removeOldest(isUseless: (header: KeyframeHeader) => boolean): Promise<number> {
    const stored = this.store.list();
    const kept = stored.findIndex(({ number }) => !isUseless(this.headers.get(number)!));
    // The newest one is that of the next restart, which checks it.
    const removed = stored.slice(0, kept === -1 ? stored.length - 1 : kept);
    if (removed.length === 0) return 0;
    await this.removeKeyframes(removed);
    await this.forgetRemoved();
    return removed.length;
  }

  /** Removes everything. */
  async reset(): Promise<void> {
    await this.removeKeyframes(this.store.list());
    this.index.clear();
    await this.late.open([]);
    await this.journal.remove();
    await this.journal.open();
  }

  async close(): Promise<void> {
    await this.journal.close();
  }

  /** Continues with an index that contains the one before. */
  useIndex(index: LogIndex): void {
    this.index = index;
  }

  /** Fills the index by the entries up to the keyframe that the city continues from. */
  private async readJournal(newest: number, header: KeyframeHeader): Promise<void> {
    this.headers.clear();
    this.index.clear();
    let [end, last] = [0, 0];
    const blocks: LateBlock[] = [];
    const entries = await this.journal.open();
    let stepEndsAt = performance.now() + MAX_STEP_MS;
    for (const { entry, end: entryEnd } of entries) {
      if (performance.now() >= stepEndsAt) {
        await giveWay();
        stepEndsAt = performance.now() + MAX_STEP_MS;
      }
      const from = new ByteReader(entry);
      const headers = readHeaders(from);
      const entryBlocks = readBlocks(from);
      const number = Math.max(...headers.keys());
      if (number > newest) break;
      for (const [key, value] of headers) this.headers.set(key, value);
      blocks.push(...entryBlocks);
      this.index.read(from);
      [end, last] = [entryEnd, number];
    }
    if (last === newest) {
      await this.journal.truncate(end);
      await this.late.open(blocks);
    } else {
      // Without its entries, it is not known which records follow an older keyframe.
      this.index.clear();
      this.headers.clear();
      this.headers.set(newest, header);
      await this.late.open([]);
      await this.journal.rewrite(entryOf(this.headers, [], this.index.all()));
    }
    this.index.unreadable.addAll(header.unreadable ?? []);
    this.index.keepsLate = !this.late.isFull;
    await this.removeKeyframes(this.store.list().filter(({ number }) => !this.isComplete(number)));
    await this.forgetRemoved();
  }

  /** Whether it is known which records follow a keyframe, and the packs that it refers to are in the folder. */
  private isComplete(number: number): boolean {
    return this.headers.get(number)?.packs.every((id) => this.packs.has(id)) ?? false;
  }

  /** Drops what belongs to keyframes that no longer exist. */
  private async forgetRemoved(): Promise<void> {
    const numbers = this.store.list().map(({ number }) => number);
    if (this.oldest !== null) this.index.forget(offsetsOf(this.oldest));
    await this.late.forget(Math.min(...numbers));
    if (this.journal.needsRewrite) {
      await this.journal.rewrite(entryOf(this.headers, this.late.list(), this.index.all()));
    }
  }
}

/** The positions of a keyframe. */
export function offsetsOf({ topics }: KeyframeHeader): Record<string, Record<number, number>> {
  return Object.fromEntries(
    Object.entries(topics).map(([topic, { offsets }]) => [
      topic,
      Object.fromEntries(Object.entries(offsets).map(([partition, next]) => [partition, Number(next)])),
    ]),
  );
}

/** How many records of the log are before a keyframe. */
function recordsOf({ topics }: KeyframeHeader): number {
  return Object.values(topics)
    .flatMap(({ offsets }) => Object.values(offsets))
    .reduce((sum, next) => sum + Number(next), 0);
}

function entryOf(
  headers: ReadonlyMap<number, KeyframeHeader>,
  blocks: readonly LateBlock[],
  changes: IndexChanges,
): Buffer {
  const to = new ByteWriter();
  to.count(headers.size);
  for (const [number, header] of headers) {
    to.count(number);
    to.text(JSON.stringify(header));
  }
  to.text(JSON.stringify(blocks));
  writeChanges(to, changes);
  return to.finish();
}

function readBlocks(from: ByteReader): LateBlock[] {
  return JSON.parse(from.text()) as LateBlock[];
}

function readHeaders(from: ByteReader): Map<number, KeyframeHeader> {
  const headers = new Map<number, KeyframeHeader>();
  for (let count = from.count(); count > 0; count -= 1) {
    headers.set(from.count(), JSON.parse(from.text()) as KeyframeHeader);
  }
  return headers;
}
