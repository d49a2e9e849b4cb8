import {
  decodeValue,
  EventDecodeError,
  zoneTopic,
  zoneValidator,
  type ZoneFeature,
  type ZoneList,
  type ZoneSummary,
} from '@hailstream/events';
import { LogError, type Admin, type LogConnection, type LogRecord, type Producer } from '@hailstream/log';
import { ADMIN, LOGGER, PRODUCER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ProviderFilter } from '../fold/city-state.js';
import { TopicView } from '../log/topic-view.js';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { parseZone } from '../geofences/zone-file.js';
import { MAX_VERTICES, MAX_ZONES, type Zone } from '../geofences/zone.js';
import { FILE_ZONES } from './zones.tokens.js';

/** Within this time, the same summaries are returned again: they are computed from all visits of a day. */
const SUMMARY_MS = 2_000;

const FORGET_EVERY_MS = 600_000;

/** Maximum time that a request waits until a drawn zone is read back. */
const READ_BACK_MS = 2_000;

/** Maximum time that a restored city waits for the drawn zones. */
const LOAD_WAIT_MS = 5_000;
const LOAD_POLL_MS = 20;

interface Summaries {
  readonly asOf: number;
  readonly zones: readonly ZoneSummary[];
}

/** A zone cannot be changed. */
export class ZoneChangeError extends Error {
  override readonly name = 'ZoneChangeError';

  constructor(
    readonly code: 'INVALID' | 'NOT_FOUND' | 'CONFLICT' | 'FULL' | 'UNAVAILABLE',
    message: string,
    readonly problems: readonly string[] = [],
  ) {
    super(message);
  }
}

/**
 * The zones of the file and those that were drawn, and the visits of vehicles. Drawn zones are records of `ride.zones`, so every
 * process has them. The visits are in memory and in keyframes.
 */
@Injectable()
export class ZonesService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly drawn = new Map<string, Zone>();
  private readonly view: TopicView;
  private readonly logger: Logger;
  private readonly summaries = new Map<ProviderFilter, Summaries>();
  private readonly timer = setInterval(() => this.book.forget(), FORGET_EVERY_MS).unref();
  private readonly stop = new AbortController();

  constructor(
    @Inject(FILE_ZONES) private readonly fileZones: readonly Zone[],
    private readonly book: ZoneBook,
    @Inject(LOG_CONNECTION) connection: LogConnection,
    @Inject(ADMIN) admin: Admin,
    @Inject(PRODUCER) private readonly producer: Producer,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'zones' });
    book.setZones(fileZones);
    book.whenLoaded = () => this.loaded();
    this.view = new TopicView({
      connection,
      admin,
      logger: this.logger,
      topic: zoneTopic.name,
      ensure: () => admin.ensureTopics([zoneTopic]),
      onRecord: (record) => this.apply(record),
      onReset: () => this.replaceDrawn(() => this.drawn.clear()),
    });
  }

  onApplicationBootstrap(): void {
    this.view.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    clearInterval(this.timer);
    await this.view[Symbol.asyncDispose]();
  }

  /** Waits for the drawn zones, so that positions are compared with them, but not for long. */
  private async loaded(): Promise<void> {
    const { signal } = this.stop;
    const deadline = performance.now() + LOAD_WAIT_MS;
    while (!this.view.isCurrent && performance.now() < deadline && !signal.aborted) {
      await sleep(LOAD_POLL_MS, signal);
    }
  }

  /** Why drawn zones are not loaded; `null` if they are. */
  get problem(): string | null {
    return this.view.isCurrent
      ? null
      : `drawn zones are not loaded: ${this.view.failure ?? 'reading the topic'}`;
  }

  list(filter: ProviderFilter, mayChange: boolean): ZoneList {
    const now = Date.now();
    let known = this.summaries.get(filter);
    if (known === undefined || now - known.asOf >= SUMMARY_MS) {
      for (const [of, { asOf }] of this.summaries) if (now - asOf >= SUMMARY_MS) this.summaries.delete(of);
      const zones = this.book
        .summaries(filter, now)
        .sort((one, other) => one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1));
      known = { asOf: now, zones };
      this.summaries.set(filter, known);
    }
    const { countedSince } = this.book;
    return { ...known, countedSince, mayChange, problem: this.problem };
  }

  /** Stores a drawn zone. @throws ZoneChangeError */
  async draw(feature: unknown): Promise<Zone> {
    const parsed = parseZone(feature, Date.now());
    if ('problems' in parsed) throw new ZoneChangeError('INVALID', 'the zone is not valid', parsed.problems);
    const { zone } = parsed;
    if (this.book.zone(zone.id) !== undefined) {
      throw new ZoneChangeError('CONFLICT', `there is a zone with the id "${zone.id}"`);
    }
    const vertices = this.book.zones.reduce((sum, other) => sum + other.vertices, zone.vertices);
    if (this.book.zones.length >= MAX_ZONES || vertices > MAX_VERTICES) {
      throw new ZoneChangeError(
        'FULL',
        `at most ${MAX_ZONES} zones with ${MAX_VERTICES} vertices are possible`,
      );
    }
    await this.write(zone.id, JSON.stringify(feature));
    return zone;
  }

  /** Removes a drawn zone. @throws ZoneChangeError */
  async remove(id: string): Promise<void> {
    const zone = this.book.zone(id);
    if (zone === undefined) throw new ZoneChangeError('NOT_FOUND', `no zone has the id "${id}"`);
    if (zone.source === 'file') {
      throw new ZoneChangeError('CONFLICT', `the zone "${id}" is in the zones file, and is changed there`);
    }
    await this.write(id, null);
  }

  private async write(id: string, value: string | null): Promise<void> {
    try {
      const [result] = await this.producer.send([{ topic: zoneTopic.name, key: id, value }]);
      if (result?.kind === 'failed') throw result.error;
      await this.view.readToEnd(READ_BACK_MS, this.stop.signal);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      throw new ZoneChangeError('UNAVAILABLE', `the log did not store the zone: ${error.message}`);
    }
  }

  private apply({ key, value, timestampMs }: LogRecord): void {
    const id = key?.toString() ?? '';
    try {
      const zone = value === null ? null : zoneOf(decodeValue(zoneValidator, value), timestampMs);
      this.replaceDrawn(() => (zone === null ? this.drawn.delete(id) : this.drawn.set(id, zone)));
    } catch (error) {
      if (!(error instanceof EventDecodeError)) throw error;
      this.logger.warn({ err: error, zone: id }, 'skipped a zone that is not valid');
    }
  }

  /** The zone of the file wins if a drawn one has its id. */
  private replaceDrawn(change: () => void): void {
    change();
    const ids = new Set(this.fileZones.map(({ id }) => id));
    this.book.setZones([...this.fileZones, ...[...this.drawn.values()].filter(({ id }) => !ids.has(id))]);
    this.summaries.clear();
  }
}

/** @throws EventDecodeError */
function zoneOf(feature: ZoneFeature, drawnAt: number): Zone {
  const parsed = parseZone(feature, drawnAt);
  if ('zone' in parsed) return parsed.zone;
  throw new EventDecodeError('INVALID', parsed.problems.join('; '));
}
