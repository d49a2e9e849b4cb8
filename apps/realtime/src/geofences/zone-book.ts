import type { ZoneSummary, ZoneVisits } from '@hailstream/events';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { noCounts } from '../fold/figures.js';
import { dwellMs, Presence, STEP_MS, type Visit } from './presence.js';
import type { Zone } from './zone.js';
import { ZoneIndex } from './zone-index.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MILLISECONDS = { base: 0, parts: 1 };

/** Maximum number of vehicles whose visits are kept, about 1 KB each and 1 KB for each zone of a vehicle. */
const MAX_PRESENCES = 200_000;

/** A vehicle that sent a position since zones are watched. */
interface TrackedVehicle {
  readonly deviceId: string;
  readonly providerId: string;
  readonly presence: Presence<Zone>;
}

/**
 * The visits of vehicles in zones, from positions by event time. Without zones, nothing is kept. The visits are those of all
 * positions that were observed, in any order: see {@link Presence}.
 */
export class ZoneBook {
  private index = new ZoneIndex([]);
  private readonly vehicles = new Map<string, Map<string, TrackedVehicle>>();
  private readonly changed = new Set<TrackedVehicle>();
  /** The newest visit of each zone, as of the last {@link visits}. */
  private readonly newest = new Map<Zone, Map<TrackedVehicle, Visit>>();
  private count = 0;
  private since: number | null = null;
  /** Zones that did not exist when the visits were written: they are compared with later positions only. */
  private readonly newSince = new Map<Zone, number>();
  /** Resolves once all zones are known, or cannot be waited for. */
  whenLoaded: () => Promise<void> = () => Promise.resolve();
  private generation: number;

  constructor(private readonly city: CityState) {
    this.generation = city.generation;
  }

  get zones(): readonly Zone[] {
    return this.index.zones;
  }

  zone(id: string): Zone | undefined {
    return this.index.zones.find((zone) => zone.id === id);
  }

  /** Replaces the zones. Visits of those that are the same objects as before are kept. */
  setZones(zones: readonly Zone[]): void {
    const kept = new Set(zones);
    const dropped = this.zones.filter((zone) => !kept.has(zone));
    this.index = new ZoneIndex(zones);
    for (const zone of dropped) {
      this.newest.delete(zone);
      this.newSince.delete(zone);
      for (const { presence } of this.all()) presence.drop(zone);
    }
    if (zones.length === 0) this.clear();
    else this.observeCity();
  }

  observe(
    { deviceId, providerId }: { readonly deviceId: string; readonly providerId: string },
    { lat, lng }: { readonly lat: number; readonly lng: number },
    time: number,
  ): void {
    if (this.index.zones.length === 0) return;
    this.startOverIfCleared();
    this.note({ deviceId, providerId }, { lat, lng }, time);
  }

  /** Drops the visits of a vehicle, whichever provider operates it. */
  erase(deviceId: string): void {
    for (const fleet of this.vehicles.values()) {
      const vehicle = fleet.get(deviceId);
      if (vehicle === undefined) continue;
      fleet.delete(deviceId);
      this.count -= 1;
      this.changed.delete(vehicle);
      for (const visits of this.newest.values()) visits.delete(vehicle);
    }
  }

  /** The newest visit of each vehicle that was in a zone during the last 24 hours. */
  *visits(zone: Zone): Generator<TrackedVehicle & { readonly visit: Visit }> {
    this.startOverIfCleared();
    this.updateNewest();
    for (const [vehicle, visit] of this.newest.get(zone) ?? []) yield { ...vehicle, visit };
  }

  /** The event time of the first position that was observed; `null` without any. */
  get countedSince(): number | null {
    return this.since;
  }

  get vehicleCount(): number {
    return this.count;
  }

  *all(): Generator<TrackedVehicle> {
    for (const fleet of this.vehicles.values()) yield* fleet.values();
  }

  /** Drops visits that are older than 24 hours. */
  forget(): void {
    for (const vehicle of this.all()) {
      vehicle.presence.forget();
      const zones = new Set(vehicle.presence.zones);
      for (const [zone, visits] of this.newest) if (!zones.has(zone)) visits.delete(vehicle);
    }
  }

  /** Writes the visits in steps, between which positions may be observed; nothing without zones. */
  *write(to: ByteWriter): Generator<void> {
    const { zones } = this;
    if (zones.length === 0 || this.since === null) return;
    to.count(zones.length);
    for (const zone of zones) {
      to.text(zone.id);
      to.count(zone.checksum);
      to.number(this.newSince.get(zone) ?? null, MILLISECONDS);
    }
    const numbers = new Map(zones.map((zone, number) => [zone, number]));
    for (const { deviceId, providerId, presence } of this.all()) {
      to.count(1);
      to.repeatedText(providerId);
      to.text(deviceId);
      presence.write(to, numbers);
      yield;
    }
    to.count(0);
    to.number(this.since, MILLISECONDS);
  }

  /** Replaces the visits by those that were written with the city, which was restored before. */
  read(from: ByteReader): void {
    this.generation = this.city.generation;
    this.clear();
    if (this.zones.length === 0) return;
    if (!from.isAtEnd) this.readVisits(from);
    this.observeCity();
  }

  /** What the vehicles of a provider do in each zone. */
  summaries(filter: ProviderFilter, now: number): ZoneSummary[] {
    this.startOverIfCleared();
    const inside = new Map(this.zones.map((zone) => [zone, { ...noCounts(), silent: 0 }]));
    for (const { position, contact, state } of this.city.vehicles(filter)) {
      if (position === null) continue;
      for (const zone of this.index.at(position.lng, position.lat)) {
        inside.get(zone)![contact === 'silent' ? 'silent' : (state ?? 'unknown')] += 1;
      }
    }
    this.updateNewest();
    const visitsOf = (zone: Zone): Visit[] => {
      const visits: Visit[] = [];
      for (const { providerId, presence } of this.newest.get(zone)?.keys() ?? []) {
        if (filter !== null && providerId !== filter) continue;
        visits.push(...presence.visits(zone, this.sinceOf(zone)));
      }
      return visits;
    };
    return this.zones.map((zone) => {
      const visits = visitsOf(zone);
      return {
        id: zone.id,
        name: zone.zoneName,
        source: zone.source,
        geometry: zone.geometry,
        inside: inside.get(zone)!,
        lastHour: summarize(visits, now - HOUR_MS),
        lastDay: summarize(visits, now - DAY_MS),
      };
    });
  }

  private note(
    { deviceId, providerId }: { readonly deviceId: string; readonly providerId: string },
    { lat, lng }: { readonly lat: number; readonly lng: number },
    time: number,
  ): void {
    let fleet = this.vehicles.get(providerId);
    if (fleet === undefined) this.vehicles.set(providerId, (fleet = new Map()));
    let vehicle = fleet.get(deviceId);
    if (vehicle === undefined) {
      if (this.count >= MAX_PRESENCES || fleet.size >= MAX_PRESENCES / 2) return;
      this.count += 1;
      fleet.set(deviceId, (vehicle = { deviceId, providerId, presence: new Presence() }));
    }
    if (!vehicle.presence.observe(time, this.index.at(lng, lat))) return;
    if (vehicle.presence.zoneCount > 0) this.changed.add(vehicle);
    if (this.since === null || time < this.since) this.since = time;
  }

  /** Vehicles that are known already: they are where they were last. */
  private observeCity(): void {
    for (const vehicle of this.city.vehicles(null)) {
      const { position } = vehicle;
      if (position !== null) this.note(vehicle, position, position.timestamp);
    }
  }

  /** The city was cleared or restored: so are the visits, which start where its vehicles are. */
  private startOverIfCleared(): void {
    if (this.city.generation === this.generation) return;
    this.generation = this.city.generation;
    this.clear();
    this.observeCity();
  }

  private clear(): void {
    this.vehicles.clear();
    this.changed.clear();
    this.newest.clear();
    this.newSince.clear();
    this.count = 0;
    this.since = null;
  }

  /** Steps before this do not count for a zone. */
  private sinceOf(zone: Zone): number {
    return Math.max(zone.since, this.newSince.get(zone) ?? Number.NEGATIVE_INFINITY);
  }

  private readVisits(from: ByteReader): void {
    const known = new Map(this.zones.map((zone) => [keyOf(zone), zone]));
    const zones = Array.from({ length: from.count() }, () => {
      const zone = known.get(keyOf({ id: from.text(), checksum: from.count() })) ?? null;
      const since = from.number(MILLISECONDS);
      if (zone !== null && since !== null) this.newSince.set(zone, since);
      return zone;
    });
    while (from.count() === 1) {
      const providerId = from.repeatedText();
      const deviceId = from.text();
      const vehicle = { deviceId, providerId, presence: Presence.read<Zone>(from, zones) };
      let fleet = this.vehicles.get(providerId);
      if (fleet === undefined) this.vehicles.set(providerId, (fleet = new Map()));
      fleet.set(deviceId, vehicle);
      this.count += 1;
      if (vehicle.presence.zoneCount > 0) this.changed.add(vehicle);
    }
    this.since = from.number(MILLISECONDS);
    const { event } = this.city.latest;
    for (const zone of this.zones) {
      if (!zones.includes(zone) && event !== null) this.newSince.set(zone, event + STEP_MS);
    }
  }

  private updateNewest(): void {
    for (const vehicle of this.changed) {
      for (const zone of vehicle.presence.zones) {
        const visit = vehicle.presence.newestVisit(zone, this.sinceOf(zone));
        let visits = this.newest.get(zone);
        if (visits === undefined) this.newest.set(zone, (visits = new Map()));
        if (visit !== null) visits.set(vehicle, visit);
      }
    }
    this.changed.clear();
  }
}

function keyOf({ id, checksum }: Pick<Zone, 'id' | 'checksum'>): string {
  return `${checksum}/${id}`;
}

/** Entries and exits since a time, and the dwell times of the visits that ended since or are under way. */
function summarize(visits: readonly Visit[], since: number): ZoneVisits {
  const dwells: number[] = [];
  let [entries, exits] = [0, 0];
  for (const visit of visits) {
    if (visit.isEntry && visit.enteredAt >= since) entries += 1;
    if (visit.leftAt !== null && visit.leftAt >= since) exits += 1;
    if ((visit.leftAt ?? visit.lastAt) >= since) dwells.push(dwellMs(visit));
  }
  dwells.sort((one, other) => one - other);
  const quantile = (share: number): number | null => dwells[Math.ceil(dwells.length * share) - 1] ?? null;
  return {
    entries,
    exits,
    dwellP50Ms: quantile(0.5),
    dwellP90Ms: quantile(0.9),
    dwellLongestMs: dwells.at(-1) ?? null,
  };
}
