import { performance } from 'node:perf_hooks';
import { setImmediate as giveWay } from 'node:timers/promises';
import type { HistoryBackfill } from '@hailstream/events/live';
import type { Admin, ResolvedRange, TopicIdentity } from '@hailstream/log';
import { ADMIN, LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState } from '../fold/city-state.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { LogIndex } from '../log/log-index.js';
import { LogPositions } from '../log/positions.js';
import { KeyframeMetrics } from '../metrics/keyframe-metrics.service.js';
import { discontinuity, recordsAfter, type PresentLog } from './keyframe-log.js';
import { KeyframeArchive } from './keyframe-archive.js';
import { isAt, type HistoryEnd } from './history-end.js';
import { KeyframeFolder } from './keyframe-folder.js';
import { KEYFRAME_RECORDS, type KeyframeHeader } from './keyframe.js';
import { HISTORY_OPTIONS } from './keyframes.tokens.js';

/** A keyframe is not used if more records follow it: reading the last hour is faster, and pages are served sooner. */
const MAX_RECORDS_AFTER = 20_000_000n;

/** Maximum time of a step of writing the city, between which ticks and batches are processed. */
const MAX_STEP_MS = 8;

/** After a keyframe, the next one waits for this multiple of the time that it took: 5 % of a core at most. */
const PAUSE_FACTOR = 20;

const CHECK_INTERVAL_MS = 1_000;

/** Time until a folder that cannot be opened is tried again. */
const REOPEN_MS = 30_000;

/** How often keyframes that the log no longer continues are removed. */
const CHECK_LOG_MS = 60_000;

/** Where keyframes are written, and how often. */
export interface HistoryOptions {
  /** `null`: no keyframes are written. */
  readonly folder: string | null;
  readonly maxBytes: number;
  /** Maximum time from a record to the keyframe that contains it. */
  readonly everyMs: number;
  /** How far back the log is read for moments before those that the city was rebuilt from; 0: not at all. */
  readonly readBackMs: number;
}

/** Where the log continues after a keyframe that the city was restored from. */
export interface Restored {
  readonly header: KeyframeHeader;
  /** The next offset of each partition that the topic has now. */
  readonly partitions: (topic: string) => { readonly partition: number; readonly next: bigint }[];
  /** Replaces the city by that of the keyframe. */
  readonly restore: () => void;
}

/**
 * Writes the city to disk at intervals, with the positions in the log that it was folded to, and restores it at start. The
 * service works without keyframes: a folder that cannot be written is reported, and writing is retried.
 */
@Injectable()
export class KeyframesService implements OnModuleDestroy {
  private readonly logger: Logger;
  private readonly folder: KeyframeFolder | null;
  private current: KeyframeArchive | null;
  private identities: ReadonlyMap<string, TopicIdentity> = new Map();
  /** Records folded before the last keyframe, and when the first record after it was seen. */
  private writtenAtRecords = 0n;
  private dirtySince: number | null = null;
  private notBefore = 0;
  private checkedAt = Number.NEGATIVE_INFINITY;
  /** The log when it was opened. */
  private log: PresentLog | null = null;
  private since: number | null = null;
  private isOpen = false;
  /** The newest keyframe while it is read, until {@link find} uses it. */
  private opening: Promise<Pick<Restored, 'header' | 'restore'> | null> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> | null = null;
  private replacing: Promise<unknown> | null = null;
  /** The progress of reading an earlier history; `null` if none is read. */
  backfill: HistoryBackfill | null = null;
  /** Called when the log was lost. */
  onAbandoned: () => void = () => undefined;

  constructor(
    @Inject(HISTORY_OPTIONS) private readonly options: HistoryOptions,
    @Inject(ADMIN) private readonly admin: Admin,
    private readonly city: CityState,
    private readonly positions: LogPositions,
    private readonly index: LogIndex,
    private readonly zones: ZoneBook,
    private readonly metrics: KeyframeMetrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'keyframes' });
    this.folder = options.folder === null ? null : new KeyframeFolder(options.folder);
    this.current =
      options.folder === null ? null : new KeyframeArchive(options.folder, options.maxBytes, index);
    if (this.current !== null) index.enable();
  }

  /** `null` without a folder. Another one after {@link continueFromNext}. */
  get archive(): KeyframeArchive | null {
    return this.current;
  }

  /** Whether keyframes are written. */
  get isEnabled(): boolean {
    return this.archive !== null && this.identities.size > 0;
  }

  /**
   * The newest keyframe that the log continues, or `null`. Keyframes of another log, and those that the log no longer
   * continues, are removed.
   *
   * @throws LogError if the offsets of the log cannot be read
   */
  async find(identities: ReadonlyMap<string, TopicIdentity>): Promise<Restored | null> {
    this.identities = identities;
    if (this.archive === null) return null;
    if (identities.size === 0) {
      this.logger.warn(
        'keyframes are not written: the cluster has no topic ids, which Kafka has from 2.8 on',
      );
      return null;
    }
    const log = (this.log = await this.presentLog());
    this.open();
    const { opening } = this;
    this.opening = null;
    const newest = await opening;
    if (newest === null) return null;
    const reason = discontinuity(newest.header, log);
    if (reason !== null) {
      await this.discard(reason);
      return null;
    }
    const records = recordsAfter(newest.header, log);
    if (records > MAX_RECORDS_AFTER) {
      await this.discard(`${records} records follow it, more than ${MAX_RECORDS_AFTER}`);
      return null;
    }
    this.logger.info(
      { writtenAt: newest.header.writtenAt, records: String(records) },
      'continuing from a keyframe',
    );
    const { header, restore } = newest;
    return {
      header,
      partitions: (topic) =>
        [...(log.offsets.get(topic)?.keys() ?? [])].map((partition) => ({
          partition,
          next: BigInt(header.topics[topic]?.offsets[partition] ?? 0),
        })),
      restore,
    };
  }

  /** Begins to read the newest keyframe, for which {@link find} waits: the log can be connected to meanwhile. */
  open(): void {
    if (this.archive === null || this.opening !== null) return;
    this.isOpen = false;
    this.opening = this.readNewest();
    // The failure is that of `find`.
    this.opening.catch(() => undefined);
  }

  private async readNewest(): Promise<Pick<Restored, 'header' | 'restore'> | null> {
    const newest = await this.openArchive();
    if (newest === null) return null;
    const bytes = new ByteReader(newest.city);
    const restoreCity = this.city.prepare(bytes);
    // Otherwise, the positions that follow would not be compared with zones that are loaded later.
    if (!bytes.isAtEnd) await this.zones.whenLoaded();
    const restore = (): void => {
      restoreCity();
      this.zones.read(bytes);
    };
    return { header: newest.header, restore };
  }

  /**
   * Starts to write keyframes of the city, which is that of `ranges` from their start. Without an older one, the first
   * is written now: history begins with it.
   */
  async start(ranges: readonly ResolvedRange[], since: number, restored: Restored | null): Promise<void> {
    const isComplete = ranges.every(({ topic, partition, from }) => {
      return from <= (this.log?.offsets.get(topic)?.get(partition)?.earliest ?? 0n);
    });
    if (restored === null) this.since = isComplete ? null : since;
    else this.since = restored.header.since;
    this.writtenAtRecords = this.positions.recordsPassed;
    this.dirtySince = null;
    if (this.isEnabled && this.archive?.count === 0) await this.writeNow(this.archive);
    this.timer ??= setInterval(() => void this.writeIfDue(), CHECK_INTERVAL_MS);
  }

  /** Removes all keyframes, and writes none until {@link start}: they are of a log that no longer exists. */
  async abandon(reason: string): Promise<void> {
    this.identities = new Map();
    this.onAbandoned();
    await this.replacing;
    await this.discard(reason);
  }

  /** The receipt before which the log was not read; `null` if all of it was. */
  get readSince(): number | null {
    return this.since;
  }

  /** Whether the log has records before the oldest keyframe that can be read. */
  async hasEarlierRecords(): Promise<boolean> {
    const oldest = this.archive?.oldest;
    if (oldest === null || oldest === undefined) return false;
    const { offsets } = await this.presentLog();
    return [...offsets].some(([topic, partitions]) =>
      [...partitions].some(([partition, { earliest }]) => {
        return earliest < BigInt(oldest.topics[topic]?.offsets[partition] ?? 0);
      }),
    );
  }

  /** Notes the present positions as the end of an earlier history, and indexes what follows for it. */
  beginNext(): HistoryEnd {
    this.index.beginNext();
    return {
      topics: this.topics(),
      seen: this.city.eventsSeen(),
      records: this.positions.recordsPassed,
    };
  }

  /** How many records were folded since {@link beginNext}. */
  recordsSince({ records }: HistoryEnd): bigint {
    return this.positions.recordsPassed - records;
  }

  /** Folder of the earlier history that is read. */
  get nextFolder(): string | null {
    return this.folder?.next ?? null;
  }

  /** Id of the cluster; `null` if keyframes are not written. */
  get clusterId(): string | null {
    const [first] = this.identities.values();
    return first?.clusterId ?? null;
  }

  /** Ends what {@link beginNext} began. */
  dropNext(): void {
    this.index.dropNext();
  }

  /** Removes the earlier history: there is nothing to read. */
  async removeNext(): Promise<void> {
    if (this.isOpen) await this.folder?.removeNext();
  }

  /**
   * Continues from the keyframes of an earlier history that ends at `end`: they replace those that were written so far, and
   * the city contains what the newest of them contains. Events are folded meanwhile. Returns whether it was done.
   */
  async continueFromNext(end: HistoryEnd): Promise<boolean> {
    const { folder } = this;
    if (folder === null || !this.isEnabled || !this.isOpen || this.replacing !== null) return false;
    const replacing = this.replaceByNext(folder, end).finally(() => {
      this.replacing = null;
    });
    this.replacing = replacing.catch(() => undefined);
    if (!(await replacing)) return false;
    await this.writing;
    if (this.isEnabled && this.archive !== null) await this.writeNow(this.archive);
    return true;
  }

  private async replaceByNext(folder: KeyframeFolder, end: HistoryEnd): Promise<boolean> {
    await this.writing;
    const index = new LogIndex();
    index.enable();
    const archive = new KeyframeArchive(folder.next, this.options.maxBytes, index);
    const newest = await archive.open((error, file) => this.noteDamaged(error, file));
    if (newest === null || !isAt(newest.header, end) || !this.index.hasNext) {
      await archive.close();
      return false;
    }
    await folder.switchToNext();
    const { generation } = this.city;
    let stepEndsAt = performance.now() + MAX_STEP_MS;
    for (const _ of this.city.join(new ByteReader(newest.city), end.seen)) {
      if (performance.now() < stepEndsAt) continue;
      await giveWay();
      if (this.city.generation !== generation || !this.index.hasNext) break;
      stepEndsAt = performance.now() + MAX_STEP_MS;
    }
    // Without a pause from here on: events are noted in the index that the new keyframes continue.
    const previous = this.current;
    if (this.index.hasNext) this.index.replaceEarlier(index);
    archive.useIndex(this.index);
    this.current = archive;
    this.since = newest.header.since;
    this.checkedAt = Number.NEGATIVE_INFINITY;
    await previous?.close();
    await this.attempt('previous keyframes cannot be removed', () => folder.removePrevious());
    return true;
  }

  private async discard(reason: string): Promise<void> {
    await this.writing;
    const { archive } = this;
    if (archive === null) return;
    if (archive.count > 0) {
      const fields = { reason, keyframes: archive.count };
      this.logger.warn(fields, 'keyframes discarded: the log does not continue them');
    }
    await this.attempt('keyframes cannot be removed', () => archive.reset());
    this.updateMetrics();
  }

  /** Writes a keyframe of the records that were read at start, however long the one before took. */
  async writeBetweenSlices(): Promise<void> {
    const hasRecords = this.positions.recordsPassed > this.writtenAtRecords;
    if (this.archive === null || !this.isEnabled || !hasRecords) return;
    await this.writing;
    await this.writeNow(this.archive);
  }

  /** Writes a keyframe if the last one is old enough. */
  private async writeIfDue(): Promise<void> {
    if (this.archive === null || !this.isEnabled || this.writing !== null || this.replacing !== null) return;
    const now = performance.now();
    const records = this.positions.recordsPassed - this.writtenAtRecords;
    if (records === 0n) return;
    this.dirtySince ??= now;
    const isDue = records >= KEYFRAME_RECORDS || now - this.dirtySince >= this.options.everyMs;
    if (isDue && now >= this.notBefore) await this.writeNow(this.archive);
  }

  async onModuleDestroy(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await this.opening?.catch(() => undefined);
    await this.replacing;
    await this.writing;
    await this.archive?.close();
    this.folder?.close();
  }

  private async writeNow(archive: KeyframeArchive): Promise<void> {
    this.writing = this.write(archive).finally(() => {
      this.writing = null;
    });
    await this.writing;
  }

  private async write(archive: KeyframeArchive): Promise<void> {
    const startedAt = performance.now();
    if (!this.isOpen && !(await this.openLate())) {
      this.notBefore = startedAt + REOPEN_MS;
      return;
    }
    const records = this.positions.recordsPassed;
    const topics = this.topics();
    const changes = this.index.cut();
    const unreadable = this.index.unreadable.list();
    const { generation } = this.city;
    const { clusterId } = [...this.identities.values()][0]!;
    const bytes = new ByteWriter();
    let stepEndsAt = startedAt + MAX_STEP_MS;
    for (const _ of this.writeSteps(bytes)) {
      if (performance.now() < stepEndsAt) continue;
      await giveWay();
      // The log was lost meanwhile.
      if (this.city.generation !== generation) return this.index.uncut(changes);
      stepEndsAt = performance.now() + MAX_STEP_MS;
    }
    const { since } = this;
    const { latest } = this.city;
    const header = { clusterId, topics, since, writtenAt: Date.now(), latest, unreadable };
    const isWritten = await this.attempt('keyframe cannot be written, will retry', () =>
      archive.write(header, bytes.finish(), changes),
    );
    if (isWritten) {
      this.writtenAtRecords = records;
      this.dirtySince = null;
      this.metrics.countWritten((performance.now() - startedAt) / 1_000);
      await this.removeUseless(archive);
    } else {
      this.index.uncut(changes);
    }
    this.updateMetrics();
    this.pauseSince(startedAt);
  }

  private *writeSteps(bytes: ByteWriter): Generator<void> {
    yield* this.city.write(bytes);
    yield* this.zones.write(bytes);
  }

  private pauseSince(startedAt: number): void {
    const now = performance.now();
    this.notBefore = now + (now - startedAt) * PAUSE_FACTOR;
  }

  /** Removes keyframes that the log no longer continues. */
  private async removeUseless(archive: KeyframeArchive): Promise<void> {
    const now = performance.now();
    if (now - this.checkedAt < CHECK_LOG_MS) return;
    this.checkedAt = now;
    try {
      const log = await this.presentLog();
      const removed = await archive.removeOldest((header) => discontinuity(header, log) !== null);
      if (removed > 0)
        this.logger.info({ keyframes: removed }, 'keyframes removed: the log has deleted what follows');
    } catch (error) {
      this.logger.debug({ err: error }, 'offsets of the log cannot be read, will retry');
    }
  }

  /** Opens a folder that could not be opened at start. The city does not continue its keyframes. */
  private async openLate(): Promise<boolean> {
    await this.openArchive();
    return this.isOpen && this.attempt('keyframes cannot be removed', async () => this.archive?.reset());
  }

  /** Opens the series of keyframes that is in use, and returns its newest keyframe. */
  private async openArchive(): Promise<Awaited<ReturnType<KeyframeArchive['open']>>> {
    const { folder } = this;
    if (folder === null) return null;
    let newest: Awaited<ReturnType<KeyframeArchive['open']>> = null;
    this.isOpen = await this.attempt('folder of keyframes cannot be opened, will retry', async () => {
      folder.lock();
      await folder.removePrevious();
      let { current } = this;
      if (current === null || current.folder !== folder.current) {
        await current?.close();
        current = new KeyframeArchive(folder.current, this.options.maxBytes, this.index);
        this.current = current;
      }
      newest = await current.open((error, file) => this.noteDamaged(error, file));
    });
    return newest;
  }

  private noteDamaged(error: unknown, file: string): void {
    this.logger.error({ err: error, file }, 'keyframe cannot be read, using an older one');
    this.metrics.countFailure();
  }

  private topics(): KeyframeHeader['topics'] {
    return Object.fromEntries(
      [...this.identities].map(([topic, { topicId }]) => [
        topic,
        {
          topicId,
          offsets: Object.fromEntries(
            [...this.positions.ofTopic(topic)].map(([partition, next]) => [partition, String(next)]),
          ),
        },
      ]),
    );
  }

  private async presentLog(): Promise<PresentLog> {
    const offsets = await Promise.all(
      [...this.identities.keys()].map(async (topic) => [topic, await this.admin.offsets(topic)] as const),
    );
    return { identities: this.identities, offsets: new Map(offsets) };
  }

  /** Failures of the disk are reported, and do not stop the service. Returns whether there was none. */
  private async attempt(failure: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.metrics.countFailure();
      this.logger.error({ err: error, folder: this.options.folder }, failure);
      return false;
    }
  }

  private updateMetrics(): void {
    this.metrics.setStored({ count: this.archive?.count ?? 0, sizeBytes: this.archive?.sizeBytes ?? 0 });
  }
}
