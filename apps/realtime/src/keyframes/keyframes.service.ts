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
import type { TripPack } from '../fold/trip-pack.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { LogIndex } from '../log/log-index.js';
import { LogPositions } from '../log/positions.js';
import { KeyframeMetrics } from '../metrics/keyframe-metrics.service.js';
import { discontinuity, recordsAfter, type PresentLog } from './keyframe-log.js';
import type { KeyframeArchive } from '../archive/keyframe-archive.js';
import { isAt, type HistoryEnd } from './history-end.js';
import type { KeyframeHeader } from '../archive/keyframe.js';
import { KeyframeSchedule } from './keyframe-schedule.js';
import { KeyframeSeries } from './keyframe-series.js';
import { HISTORY_OPTIONS } from './keyframes.tokens.js';

/** A keyframe is not used if more records follow it: reading the last hour is faster, and pages are served sooner. */
const MAX_RECORDS_AFTER = 20_000_000n;

/** Maximum time of a step of writing the city, between which ticks and batches are processed. */
const MAX_STEP_MS = 8;

const CHECK_INTERVAL_MS = 1_000;

/** Time until a folder that cannot be opened is tried again. */
const REOPEN_MS = 30_000;

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
  private readonly series: KeyframeSeries;
  private readonly schedule: KeyframeSchedule;
  private identities: ReadonlyMap<string, TopicIdentity> = new Map();
  /** The log when it was opened. */
  private log: PresentLog | null = null;
  private since: number | null = null;
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
    @Inject(HISTORY_OPTIONS) options: HistoryOptions,
    @Inject(ADMIN) private readonly admin: Admin,
    private readonly city: CityState,
    private readonly positions: LogPositions,
    private readonly index: LogIndex,
    private readonly zones: ZoneBook,
    private readonly metrics: KeyframeMetrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'keyframes' });
    this.series = new KeyframeSeries(options, index, metrics, this.logger);
    this.schedule = new KeyframeSchedule(options.everyMs);
  }

  /** `null` without a folder. Another one after {@link continueFromNext}. */
  get archive(): KeyframeArchive | null {
    return this.series.archive;
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
    this.opening = this.readNewest();
    // The failure is that of `find`.
    this.opening.catch(() => undefined);
  }

  private async readNewest(): Promise<Pick<Restored, 'header' | 'restore'> | null> {
    const newest = await this.series.open();
    if (newest === null) return null;
    const bytes = new ByteReader(newest.city.bytes);
    const restoreCity = this.city.prepare(bytes, newest.city.packs);
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
    this.schedule.noteWritten(this.positions.recordsPassed);
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
    return this.series.nextFolder;
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
    await this.series.removeNext();
  }

  /**
   * Continues from the keyframes of an earlier history that ends at `end`: they replace those that were written so far, and
   * the city contains what the newest of them contains. Events are folded meanwhile. Returns whether it was done.
   */
  async continueFromNext(end: HistoryEnd): Promise<boolean> {
    const { nextFolder: folder } = this.series;
    if (folder === null || !this.isEnabled || !this.series.isOpen || this.replacing !== null) return false;
    const replacing = this.replaceByNext(folder, end).finally(() => {
      this.replacing = null;
    });
    this.replacing = replacing.catch(() => undefined);
    if (!(await replacing)) return false;
    await this.writing;
    if (this.isEnabled && this.archive !== null) await this.writeNow(this.archive);
    return true;
  }

  private async replaceByNext(folder: string, end: HistoryEnd): Promise<boolean> {
    await this.writing;
    const { archive, index, newest } = await this.series.openNext(folder);
    if (newest === null || !isAt(newest.header, end) || !this.index.hasNext) {
      await archive.close();
      return false;
    }
    await this.series.switchToNext();
    const { generation } = this.city;
    let stepEndsAt = performance.now() + MAX_STEP_MS;
    const { bytes, packs } = newest.city;
    for (const _ of this.city.join(new ByteReader(bytes), packs, end.seen)) {
      if (performance.now() < stepEndsAt) continue;
      await giveWay();
      if (this.city.generation !== generation || !this.index.hasNext) break;
      stepEndsAt = performance.now() + MAX_STEP_MS;
    }
    // Without a pause from here on: events are noted in the index that the new keyframes continue.
    if (this.index.hasNext) this.index.replaceEarlier(index);
    this.since = newest.header.since;
    await this.series.adopt(archive);
    return true;
  }

  private async discard(reason: string): Promise<void> {
    await this.writing;
    await this.series.discard(reason);
  }

  /** Writes a keyframe of the records that were read at start, however long the one before took. */
  async writeBetweenSlices(): Promise<void> {
    const isBehind = this.schedule.isBehind(this.positions.recordsPassed);
    if (this.archive === null || !this.isEnabled || !isBehind) return;
    await this.writing;
    // No tick does it until the city is complete: each keyframe would have the trips of all of the log before it.
    this.city.forget();
    await this.writeNow(this.archive);
  }

  /** Writes a keyframe if the last one is old enough. */
  private async writeIfDue(): Promise<void> {
    if (this.archive === null || !this.isEnabled || this.writing !== null || this.replacing !== null) return;
    const isDue = this.schedule.isDue(this.positions.recordsPassed, performance.now());
    if (isDue) await this.writeNow(this.archive);
  }

  async onModuleDestroy(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await this.opening?.catch(() => undefined);
    await this.replacing;
    await this.writing;
    await this.series.close();
  }

  private async writeNow(archive: KeyframeArchive): Promise<void> {
    this.writing = this.write(archive).finally(() => {
      this.writing = null;
    });
    await this.writing;
  }

  private async write(archive: KeyframeArchive): Promise<void> {
    const startedAt = performance.now();
    if (!this.series.isOpen && !(await this.series.openEmpty())) {
      this.schedule.waitUntil(startedAt + REOPEN_MS);
      return;
    }
    const records = this.positions.recordsPassed;
    const topics = this.topics();
    const changes = this.index.cut();
    const unreadable = this.index.unreadable.list();
    const { generation } = this.city;
    const { clusterId } = [...this.identities.values()][0]!;
    const bytes = new ByteWriter();
    const packs = new Map<string, TripPack>();
    let stepEndsAt = startedAt + MAX_STEP_MS;
    for (const _ of this.writeSteps(bytes, packs)) {
      if (performance.now() < stepEndsAt) continue;
      await giveWay();
      // The log was lost meanwhile.
      if (this.city.generation !== generation) return this.index.uncut(changes);
      stepEndsAt = performance.now() + MAX_STEP_MS;
    }
    const { since } = this;
    const { latest } = this.city;
    const header = { clusterId, topics, since, writtenAt: Date.now(), latest, unreadable };
    const isWritten = await this.series.attempt('keyframe cannot be written, will retry', () =>
      archive.write(header, { bytes: bytes.finish(), packs }, changes),
    );
    if (isWritten) {
      this.schedule.noteWritten(records);
      this.metrics.countWritten((performance.now() - startedAt) / 1_000);
      await this.series.removeUseless(() => this.presentLog());
    } else {
      this.index.uncut(changes);
    }
    this.series.updateMetrics();
    this.schedule.pauseAfter({ startedAt, now: performance.now() });
  }

  private *writeSteps(bytes: ByteWriter, packs: Map<string, TripPack>): Generator<void> {
    yield* this.city.write(bytes, packs);
    yield* this.zones.write(bytes);
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
}
