import type { AuditRecord } from '@hailstream/events/audit';
import type { FeedHealth, FeedList } from '@hailstream/events/feeds';
import { cellOf, cellsOf, centerOf, type Cell, type PlaceBox } from '@hailstream/events/plausibility';
import type { CityEvent, ProviderFilter } from '../fold/city-state.js';
import { diagnose } from './diagnose.js';
import { Feed, HOUR_MINUTES, MINUTE_MS, type FeedBudget } from './measure/feed.js';
import { measure, type FeedMeasures } from './measure/measures.js';
import { IdBudget } from './measure/recent-ids.js';
import { viewFeed, viewOrder } from './view-feed.js';

/** Maximum number of providers that are measured, about 70 KB each and their vehicles and ids. */
export const MAX_FEEDS = 200;

/** A feed without events for this long is no longer listed. */
const FORGET_FEED_MS = 24 * 3_600_000;

/** Share of a provider's positions of the last hour from which it votes for a cell. */
const VOTE_SHARE = 0.2;

/** The city files count as much as so many providers. */
const CITY_VOTES = 1_000;

/** The feeds of all providers. */
export class Feeds {
  private readonly feeds = new Map<string, Feed>();
  private readonly budget: FeedBudget = { ids: new IdBudget(), devices: 0 };
  private readonly cityCells: ReadonlySet<Cell>;
  private hasUnmeasured = false;
  /** How many audit records could not be read, by the minute in which that was found. */
  private readonly unreadableAudits = new Map<number, number>();

  /** @param cities where vehicles are expected, in addition to where most of them are */
  constructor(cities: readonly PlaceBox[]) {
    this.cityCells = new Set(cities.flatMap((box) => [...cellsOf(box)]));
  }

  note(input: CityEvent, receivedAt: number): void {
    this.feedOf(input.event.provider_id)?.note(input, receivedAt);
  }

  noteAudit(record: AuditRecord): void {
    this.feedOf(record.provider_id)?.noteAudit(record);
  }

  /** Notes audit records that could not be read. */
  noteUnreadableAudits(count: number, now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    this.unreadableAudits.set(minute, (this.unreadableAudits.get(minute) ?? 0) + count);
  }

  /** The measures of each feed, as of a time. */
  measures(
    now: number,
    filter: ProviderFilter,
  ): { readonly providerId: string; readonly measures: FeedMeasures }[] {
    const isExpected = this.expectedCells(now);
    return [...this.feeds.values()]
      .filter(({ providerId }) => filter === null || providerId === filter)
      .map((feed) => ({ providerId: feed.providerId, measures: measure(feed, now, isExpected) }));
  }

  /** The health of the feeds, worst first. */
  list(now: number, filter: ProviderFilter): FeedList {
    const feeds = this.measures(now, filter).map(({ providerId, measures }): FeedHealth =>
      viewFeed(providerId, measures, diagnose(measures)),
    );
    return {
      asOf: now,
      // A token with a provider learns nothing about others.
      unmeasured: filter === null && this.hasUnmeasured,
      unreadableAuditRecords: this.unreadableAuditsSince(oldestMinute(now)),
      feeds: feeds.toSorted(viewOrder),
    };
  }

  /** Forgets vehicles and feeds that have sent nothing for long. */
  forget(now: number): void {
    for (const minute of this.unreadableAudits.keys()) {
      if (minute < oldestMinute(now)) this.unreadableAudits.delete(minute);
    }
    for (const [providerId, feed] of this.feeds) {
      feed.forget(now);
      const heardAt = Math.max(feed.lastReceivedAt ?? 0, feed.rejections.newestMinute ?? 0);
      if (heardAt > now - FORGET_FEED_MS) continue;
      feed.release();
      this.feeds.delete(providerId);
    }
  }

  clear(): void {
    for (const feed of this.feeds.values()) feed.release();
    this.feeds.clear();
    this.hasUnmeasured = false;
    this.unreadableAudits.clear();
  }

  private unreadableAuditsSince(oldest: number): number {
    let sum = 0;
    for (const [minute, count] of this.unreadableAudits) if (minute >= oldest) sum += count;
    return sum;
  }

  private feedOf(providerId: string): Feed | null {
    const known = this.feeds.get(providerId);
    if (known !== undefined) return known;
    if (this.feeds.size >= MAX_FEEDS) {
      this.hasUnmeasured = true;
      return null;
    }
    const feed = new Feed(providerId, this.budget);
    this.feeds.set(providerId, feed);
    return feed;
  }

  /**
   * Vehicles are expected in the cities, and where at least a fifth of a provider's positions of the last hour are. If
   * providers disagree by an exchange of latitude and longitude or by a sign, the cities and then most providers decide.
   */
  private expectedCells(now: number): (cell: Cell) => boolean {
    const votes = new Map<Cell, number>(Array.from(this.cityCells, (cell) => [cell, CITY_VOTES]));
    for (const feed of this.feeds.values()) {
      const cells = [...feed.minutes.sum(now, HOUR_MINUTES).cells()];
      const total = cells.reduce((sum, [, count]) => sum + count, 0);
      for (const [cell, count] of cells) {
        if (count >= VOTE_SHARE * total) votes.set(cell, (votes.get(cell) ?? 0) + 1);
      }
    }
    const votesOf = (cell: Cell): number => votes.get(cell) ?? 0;
    return (cell) => votesOf(cell) > Math.max(0, ...mistaken(cell).map(votesOf));
  }
}

/** The cells of the positions in a cell if latitude and longitude are exchanged, or a sign is changed. */
function mistaken(cell: Cell): Cell[] {
  const { lat, lng } = centerOf(cell);
  const others = [
    ...(Math.abs(lng) <= 90 ? [{ lat: lng, lng: lat }] : []),
    { lat, lng: -lng },
    { lat: -lat, lng },
    { lat: -lat, lng: -lng },
  ];
  return others.map(cellOf).filter((other) => other !== cell);
}

/** The oldest minute of the last hour. */
function oldestMinute(now: number): number {
  return Math.floor(now / MINUTE_MS) - HOUR_MINUTES + 1;
}
