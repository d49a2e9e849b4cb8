import type { AuditRecord } from '@hailstream/events/audit';
import {
  cellOf,
  fareScale,
  isZeroPosition,
  localTimeOffset,
  unitOfRatio,
  type Place,
} from '@hailstream/events/plausibility';
import type { CityEvent } from '../../fold/city-state.js';
import { Device, ONLY_ORDER, type PointResult } from './device.js';
import { bucketOf, ratioBucketOf } from './histogram.js';
import { contentOf, RecentIds, type IdBudget } from './recent-ids.js';
import { Rejections } from './rejections.js';
import { countIndex, type Slot } from './slot.js';
import { SlotRing } from './slot-ring.js';

export const MINUTE_MS = 60_000;
export const HOUR_MINUTES = 60;

/** Slots of the window of a minute, and one that is not complete. */
export const FINE_MS = 10_000;
export const FINE_SLOTS = 6;

/** Lead of an event over its receipt from which its clock is ahead. */
const AHEAD_MS = 3_000;

/** Vehicles are forgotten after this long without an event. */
const FORGET_DEVICE_MS = 3_600_000;

/** Maximum number of vehicles of all feeds together, about 250 bytes each; further ones are not measured by vehicle. */
const MAX_DEVICES = 200_000;

/** The memory that all feeds share. */
export interface FeedBudget {
  readonly ids: IdBudget;
  devices: number;
}

/** The measures of one provider's feed, by time of receipt. */
export class Feed {
  readonly fine = new SlotRing(FINE_MS, FINE_SLOTS + 1);
  readonly minutes = new SlotRing(MINUTE_MS, HOUR_MINUTES + 1);
  readonly rejections = new Rejections();
  readonly devices = new Map<string, Device>();
  private readonly ids: RecentIds;
  firstReceivedAt: number | null = null;
  lastReceivedAt: number | null = null;
  events = 0;

  constructor(
    readonly providerId: string,
    private readonly budget: FeedBudget,
  ) {
    this.ids = new RecentIds(budget.ids);
  }

  note(input: CityEvent, receivedAt: number): void {
    this.events += 1;
    this.firstReceivedAt = Math.min(this.firstReceivedAt ?? receivedAt, receivedAt);
    this.lastReceivedAt = Math.max(this.lastReceivedAt ?? receivedAt, receivedAt);
    const fine = this.fine.at(receivedAt);
    const minute = this.minutes.at(receivedAt);
    const observed = this.observe(input, receivedAt);
    if (fine !== null) addTo(fine, input, observed);
    if (minute !== null) addTo(minute, input, observed);
  }

  noteAudit(record: AuditRecord): void {
    this.rejections.note(record);
  }

  /** Forgets vehicles that have sent nothing for long. */
  forget(now: number): void {
    for (const [id, device] of this.devices) {
      if (device.heardAt > now - FORGET_DEVICE_MS) continue;
      this.devices.delete(id);
      this.budget.devices -= 1;
    }
  }

  /** Releases its part of the shared memory. */
  release(): void {
    this.ids.release();
    this.budget.devices -= this.devices.size;
    this.devices.clear();
  }

  private observe(input: CityEvent, receivedAt: number): Observed {
    const { id, key, time } = identify(input);
    const seen = this.ids.see(id, contentOf(key, time));
    if (seen === 'same') return DUPLICATE;
    const counts = [countIndex.positions];
    if (seen === 'other-content') counts.push(countIndex.reusedIds);
    const point = this.notePoint(input, receivedAt);
    if (point !== null) countPoint(point, counts);
    const { place, publishedAt } = placeAndPublication(input);
    if (isZeroPosition(place)) counts.push(countIndex.zeroPositions);
    if (input.kind === 'trips') {
      const scale = fareScale(input.event);
      if (scale !== null) counts.push(countIndex.fares);
      if (scale === 'fare-in-units') counts.push(countIndex.faresInUnits);
      if (scale === 'fare-too-high') counts.push(countIndex.faresTooHigh);
    }
    const lateness = input.kind === 'trips' || point?.order === 'repeated' ? null : receivedAt - time;
    if (lateness !== null && lateness < -AHEAD_MS) counts.push(countIndex.ahead);
    if (lateness !== null && localTimeOffset(lateness) !== null) counts.push(countIndex.localTime);
    return {
      counts,
      cell: cellOf(place),
      lateness: lateness === null ? null : bucketOf(lateness),
      publication: publishedAt === undefined ? null : bucketOf(receivedAt - publishedAt),
      ratio: ratioOf(point),
    };
  }

  private notePoint(input: CityEvent, receivedAt: number): PointResult | null {
    if (input.kind !== 'telemetry' && input.kind !== 'vehicle-events') return null;
    const device = this.deviceOf(input.event.device_id);
    if (device === null) return null;
    if (input.kind === 'telemetry') return device.notePoint(input.event, receivedAt);
    return { ...ONLY_ORDER, order: device.noteState(input.event) };
  }

  private deviceOf(id: string): Device | null {
    const known = this.devices.get(id);
    if (known !== undefined) return known;
    if (this.budget.devices >= MAX_DEVICES) return null;
    const device = new Device();
    this.devices.set(id, device);
    this.budget.devices += 1;
    return device;
  }
}

/** What one event adds to a slot. */
interface Observed {
  /** Indexes of the counts that it increments. */
  readonly counts: readonly number[];
  readonly cell: number | null;
  readonly lateness: number | null;
  readonly publication: number | null;
  readonly ratio: number | null;
}

const DUPLICATE: Observed = {
  counts: [countIndex.duplicates],
  cell: null,
  lateness: null,
  publication: null,
  ratio: null,
};

function addTo(
  slot: Slot,
  { kind }: CityEvent,
  { counts, cell, lateness, publication, ratio }: Observed,
): void {
  slot.add(countIndex[kind]);
  for (const index of counts) slot.add(index);
  if (cell !== null) slot.addCell(cell);
  if (lateness !== null) slot.addLateness(lateness);
  if (publication !== null) slot.addPublication(publication);
  if (ratio !== null) slot.addRatio(ratio);
}

function ratioOf(point: PointResult | null): number | null {
  const ratio = point?.speedRatio ?? null;
  return ratio === null ? null : ratioBucketOf(ratio);
}

function countPoint(
  { order, speedRatio: ratio, paced, stuck, stuckOnTrip }: PointResult,
  counts: number[],
): void {
  if (order !== 'first') counts.push(countIndex.compared);
  if (order === 'out-of-order') counts.push(countIndex.outOfOrder);
  if (order === 'repeated') counts.push(countIndex.repeats);
  if (paced !== null) counts.push(paced ? countIndex.paced : countIndex.unpaced);
  if (stuck !== null) counts.push(countIndex.moving);
  if (stuck === true) counts.push(countIndex.stuck);
  if (stuckOnTrip !== null) counts.push(countIndex.onTrip);
  if (stuckOnTrip === true) counts.push(countIndex.stuckOnTrip);
  if (ratio === null) return;
  counts.push(countIndex.ratios);
  const unit = unitOfRatio(ratio);
  if (unit === 'metres') counts.push(countIndex.ratiosInMetres);
  if (unit === 'miles') counts.push(countIndex.ratiosInMiles);
  if (unit === 'kilometres') counts.push(countIndex.ratiosInKilometres);
}

/** The id of an event with its family; what identifies its content. */
function identify(input: CityEvent): { readonly id: string; readonly key: string; readonly time: number } {
  const { kind, event } = input;
  switch (kind) {
    case 'telemetry':
      return { id: event.telemetry_id, key: event.device_id, time: event.timestamp };
    case 'vehicle-events':
      return { id: event.event_id, key: event.device_id, time: event.timestamp };
    case 'rider-events':
      return { id: event.event_id, key: event.trip_id, time: event.timestamp };
    case 'trips':
      return { id: event.trip_id, key: event.device_id, time: event.end_time };
  }
}

function placeAndPublication(input: CityEvent): {
  readonly place: Place;
  readonly publishedAt: number | undefined;
} {
  const { kind, event } = input;
  switch (kind) {
    case 'telemetry':
    case 'rider-events':
      return { place: event.location, publishedAt: undefined };
    case 'vehicle-events':
      return { place: event.location, publishedAt: event.publication_time };
    case 'trips':
      return { place: event.start_location, publishedAt: event.publication_time };
  }
}
