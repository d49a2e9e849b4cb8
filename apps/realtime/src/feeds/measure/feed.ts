import type { Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import type { AuditRecord } from '@hailstream/events/audit';
import {
  cellOf,
  fareScale,
  isZeroPosition,
  localTimeOffset,
  type Place,
} from '@hailstream/events/plausibility';
import type { CityEvent } from '../../fold/city-state.js';
import { Device } from './device.js';
import { bucketOf } from './histogram.js';
import { Observation } from './observation.js';
import { contentOf, RecentIds, type IdBudget } from './recent-ids.js';
import { Rejections } from './rejections.js';
import { countIndex } from './slot.js';
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
  /** Of the event that is noted. */
  private readonly observed = new Observation();
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
    const { observed } = this;
    observed.begin(countIndex[input.kind]);
    this.observe(input, receivedAt);
    this.fine.at(receivedAt)?.add(observed);
    this.minutes.at(receivedAt)?.add(observed);
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

  private observe(input: CityEvent, receivedAt: number): void {
    switch (input.kind) {
      case 'telemetry':
        return this.observeTelemetry(input.event, receivedAt);
      case 'vehicle-events':
        return this.observeVehicleEvent(input.event, receivedAt);
      case 'rider-events': {
        const { event_id: id, trip_id: key, timestamp, location } = input.event;
        if (!this.isNew(id, contentOf(key, timestamp))) return;
        this.notePlace(location);
        this.noteLateness(receivedAt - timestamp);
        return;
      }
      case 'trips':
        return this.observeTrip(input.event, receivedAt);
    }
  }

  private observeTelemetry(event: Telemetry, receivedAt: number): void {
    const { telemetry_id: id, device_id: deviceId, timestamp, location } = event;
    if (!this.isNew(id, contentOf(deviceId, timestamp))) return;
    this.notePlace(location);
    const order = this.deviceOf(deviceId)?.notePoint(event, receivedAt, this.observed);
    this.noteOrder(order);
    if (order !== 'repeated') this.noteLateness(receivedAt - timestamp);
  }

  private observeVehicleEvent(event: VehicleEvent, receivedAt: number): void {
    const { event_id: id, device_id: deviceId, timestamp, location, publication_time: publishedAt } = event;
    if (!this.isNew(id, contentOf(deviceId, timestamp))) return;
    this.notePlace(location);
    this.noteOrder(this.deviceOf(deviceId)?.noteState(event));
    this.noteLateness(receivedAt - timestamp);
    if (publishedAt !== undefined) this.observed.publication = bucketOf(receivedAt - publishedAt);
  }

  private observeTrip(event: Trip, receivedAt: number): void {
    const { trip_id: id, device_id: deviceId, end_time: endedAt, publication_time: publishedAt } = event;
    if (!this.isNew(id, contentOf(deviceId, endedAt))) return;
    this.notePlace(event.start_location);
    if (publishedAt !== undefined) this.observed.publication = bucketOf(receivedAt - publishedAt);
    const scale = fareScale(event);
    if (scale !== null) this.observed.count(countIndex.fares);
    if (scale === 'fare-in-units') this.observed.count(countIndex.faresInUnits);
    if (scale === 'fare-too-high') this.observed.count(countIndex.faresTooHigh);
  }

  /** Notes whether an event was received before, and returns whether it was not. */
  private isNew(id: string, content: number): boolean {
    const seen = this.ids.see(id, content);
    if (seen === 'same') this.observed.count(countIndex.duplicates);
    if (seen === 'other-content') this.observed.count(countIndex.reusedIds);
    return seen !== 'same';
  }

  private notePlace(place: Place): void {
    this.observed.count(countIndex.positions);
    this.observed.cell = cellOf(place);
    if (isZeroPosition(place)) this.observed.count(countIndex.zeroPositions);
  }

  private noteOrder(order: ReturnType<Device['notePoint']> | undefined): void {
    if (order === undefined || order === 'first') return;
    this.observed.count(countIndex.compared);
    if (order === 'out-of-order') this.observed.count(countIndex.outOfOrder);
    if (order === 'repeated') this.observed.count(countIndex.repeats);
  }

  private noteLateness(ms: number): void {
    this.observed.lateness = bucketOf(ms);
    if (ms < -AHEAD_MS) this.observed.count(countIndex.ahead);
    if (localTimeOffset(ms) !== null) this.observed.count(countIndex.localTime);
  }

  private deviceOf(id: string): Device | null {
    const known = this.devices.get(id);
    if (known !== undefined) return known;
    if (this.budget.devices >= MAX_DEVICES || this.devices.size >= MAX_DEVICES / 2) return null;
    const device = new Device();
    this.devices.set(id, device);
    this.budget.devices += 1;
    return device;
  }
}
