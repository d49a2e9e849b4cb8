import type { AuditRecord } from '@hailstream/events/audit';
import type { FeedList } from '@hailstream/events/feeds';
import type { City } from '@hailstream/events/live';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { CityEvent, ProviderFilter } from '../fold/city-state.js';
import { Feeds } from './feeds.js';
import type { FeedMeasures } from './measure/measures.js';

/** Lists are computed at most this often. */
const FRESH_MS = 1_000;

const FORGET_EVERY_MS = 60_000;

/** Maximum number of lists that are kept: one for all providers and one for each. */
const MAX_LISTS = 32;

/** Measures the feeds of the providers. */
@Injectable()
export class FeedsService implements OnModuleInit, OnModuleDestroy {
  private readonly feeds: Feeds;
  private readonly lists = new Map<ProviderFilter, FeedList>();
  private timer: NodeJS.Timeout | undefined;

  constructor(city: Pick<City, 'bbox'>) {
    this.feeds = new Feeds([city.bbox]);
  }

  onModuleInit(): void {
    this.timer = setInterval(() => this.feeds.forget(Date.now()), FORGET_EVERY_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  note(input: CityEvent, receivedAt: number): void {
    this.feeds.note(input, receivedAt);
  }

  noteAudit(record: AuditRecord): void {
    this.feeds.noteAudit(record);
  }

  noteUnreadableAudits(count: number): void {
    this.feeds.noteUnreadableAudits(count, Date.now());
  }

  /** The health of the feeds that the filter selects, as of at most a second ago. */
  list(filter: ProviderFilter): FeedList {
    const now = Date.now();
    const known = this.lists.get(filter);
    if (known !== undefined && now - known.asOf < FRESH_MS && known.asOf <= now) return known;
    const list = this.feeds.list(now, filter);
    if (this.lists.size >= MAX_LISTS) this.lists.clear();
    this.lists.set(filter, list);
    return list;
  }

  measures(): { readonly providerId: string; readonly measures: FeedMeasures }[] {
    return this.feeds.measures(Date.now(), null);
  }

  /** Forgets everything: the log was replaced by another one. */
  clear(): void {
    this.feeds.clear();
    this.lists.clear();
  }
}
