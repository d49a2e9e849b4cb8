import type { Alert, AlertSummary, RuleKind, VehicleState } from '@hailstream/events';
import type { Vehicle } from '../fold/vehicle.js';
import { dwellMs, type Visit } from '../geofences/presence.js';
import type { Zone } from '../geofences/zone.js';
import type { AlertRule, RuleOf } from './rule-file.js';

/** A vehicle that is silent for longer is out of service, and not reported any more. */
const SILENCE_ENDS_MS = 24 * 3_600_000;

/** An entry or exit is reported up to this long after it happened, by event time. */
const REPORTED_MS = 300_000;

/** What holds for one subject of a rule. */
export interface Condition extends Pick<Alert, 'provider_id' | 'subject' | 'location'> {
  readonly summary: AlertSummary;
  /** Event time of what started it. */
  readonly startedAt: number;
  /** Only keeps an alert that is raised: nothing new is raised for it. */
  readonly isContinuation?: boolean;
  /** Whether it is a continuation of what was new before. */
  readonly isUnderWay?: boolean;
}

/** A visit of a vehicle in a zone, the newest one. */
interface ZoneVisit {
  readonly deviceId: string;
  readonly providerId: string;
  readonly visit: Visit;
}

/** A trip that waits for a vehicle. */
interface WaitingRequest {
  readonly requestedAt: number;
  readonly lat: number;
  readonly lng: number;
}

/** What rules read of the city. */
export interface CityReader {
  readonly now: number;
  vehicles(providerId: string | null): Iterable<Vehicle>;
  vehicle(providerId: string, deviceId: string): Vehicle | null;
  waiting(providerId: string | null): Iterable<WaitingRequest>;
  feeds(providerId: string | null): Iterable<{ readonly providerId: string; readonly newestEventAt: number }>;
  zone(zoneId: string): Zone | undefined;
  /** The newest visit of each vehicle that was in the zone during the last 24 hours. */
  visits(zone: Zone): Iterable<ZoneVisit>;
}

/** The conditions of a rule that hold. `hasOpenAlerts`: whether an alert of the rule is not cleared. */
export function conditionsOf(rule: AlertRule, city: CityReader, hasOpenAlerts: boolean): Iterable<Condition> {
  switch (rule.kind) {
    case 'vehicle-silent':
      return silentVehicles(rule, city);
    case 'zone-entered':
    case 'zone-left':
    case 'zone-dwell':
      return zoneVisits(rule, city);
    case 'riders-waiting':
      return waitingRiders(rule, city, hasOpenAlerts);
    case 'feed-lag':
      return laggingFeeds(rule, city);
    case 'speeding':
      return speedingVehicles(rule, city);
  }
}

function* silentVehicles(rule: RuleOf<'vehicle-silent'>, city: CityReader): Generator<Condition> {
  const states: ReadonlySet<VehicleState> | null = rule.states === undefined ? null : new Set(rule.states);
  for (const vehicle of city.vehicles(rule.provider ?? null)) {
    const { heardAt, state } = vehicle;
    const silentMs = city.now - (heardAt ?? city.now);
    if (heardAt === null || silentMs < rule.longerThan || silentMs >= SILENCE_ENDS_MS) continue;
    if (states !== null && (state === null || !states.has(state))) continue;
    const values = { vehicle: shortId(vehicle.deviceId), limitMs: rule.longerThan };
    yield ofVehicle(
      vehicle,
      heardAt,
      state === null
        ? { code: 'vehicle-silent', values }
        : { code: 'vehicle-silent-in-state', values: { ...values, state } },
    );
  }
}

function* zoneVisits(
  rule: RuleOf<'zone-entered'> | RuleOf<'zone-left'> | RuleOf<'zone-dwell'>,
  city: CityReader,
): Generator<Condition> {
  const zone = city.zone(rule.zone);
  if (zone === undefined) return;
  for (const { deviceId, providerId, visit } of city.visits(zone)) {
    if (rule.provider !== undefined && providerId !== rule.provider) continue;
    const condition = ofVisit(rule, visit, city.now);
    if (condition === null) continue;
    const vehicle = city.vehicle(providerId, deviceId);
    if (vehicle === null) continue;
    const values = {
      vehicle: shortId(deviceId),
      zone: zone.zoneName,
      ...(rule.kind === 'zone-dwell' && { limitMs: rule.longerThan }),
    };
    yield {
      ...ofVehicle(vehicle, condition.startedAt, { code: rule.kind, values }),
      subject: { kind: 'vehicle', device_id: deviceId, zone_id: zone.id },
      isContinuation: condition.isContinuation,
      isUnderWay: rule.kind === 'zone-entered',
    };
  }
}

function ofVisit(
  rule: { readonly kind: RuleKind; readonly longerThan?: number },
  visit: Visit,
  now: number,
): { startedAt: number; isContinuation: boolean } | null {
  const { enteredAt, leftAt, isEntry } = visit;
  if (rule.kind === 'zone-left') {
    if (leftAt === null || now - leftAt >= REPORTED_MS) return null;
    return { startedAt: leftAt, isContinuation: false };
  }
  if (leftAt !== null) return null;
  if (rule.kind === 'zone-entered') {
    const isContinuation = !isEntry || now - enteredAt >= REPORTED_MS;
    return { startedAt: enteredAt, isContinuation };
  }
  return { startedAt: enteredAt, isContinuation: dwellMs(visit) < (rule.longerThan ?? 0) };
}

function* waitingRiders(
  rule: RuleOf<'riders-waiting'>,
  city: CityReader,
  isRaised: boolean,
): Generator<Condition> {
  const zone = rule.zone === undefined ? null : city.zone(rule.zone);
  if (zone === undefined) return;
  const since: number[] = [];
  for (const { requestedAt, lat, lng } of city.waiting(rule.provider ?? null)) {
    if (city.now - requestedAt < rule.waitingFor) continue;
    if (zone === null || zone.contains(lng, lat)) since.push(requestedAt);
  }
  if (since.length < (isRaised ? (rule.clearBelow ?? rule.riders) : rule.riders)) return;
  since.sort((one, other) => one - other);
  yield {
    provider_id: rule.provider ?? null,
    subject: { kind: zone === null ? 'city' : 'zone', device_id: null, zone_id: zone?.id ?? null },
    summary: {
      code: `riders-waiting${rule.waitingFor === 0 ? '' : '-for'}${zone === null ? '' : '-in-zone'}`,
      values: {
        riders: since.length,
        ...(rule.waitingFor > 0 && { limitMs: rule.waitingFor }),
        ...(zone !== null && { zone: zone.zoneName }),
      },
    },
    location: zone?.center ?? null,
    // The request with which enough riders were waiting.
    startedAt: since[Math.min(rule.riders, since.length) - 1]!,
  };
}

function* laggingFeeds(rule: RuleOf<'feed-lag'>, city: CityReader): Generator<Condition> {
  for (const { providerId, newestEventAt } of city.feeds(rule.provider ?? null)) {
    if (city.now - newestEventAt < rule.longerThan) continue;
    yield {
      provider_id: providerId,
      subject: { kind: 'provider', device_id: null, zone_id: null },
      summary: {
        code: 'feed-lag',
        values: { provider: shortId(providerId), limitMs: rule.longerThan },
      },
      location: null,
      startedAt: newestEventAt,
    };
  }
}

function* speedingVehicles(rule: RuleOf<'speeding'>, city: CityReader): Generator<Condition> {
  for (const vehicle of city.vehicles(rule.provider ?? null)) {
    const { position } = vehicle;
    if (position === null || position.speed === null || position.speed <= rule.fasterThan) continue;
    if (vehicle.contact !== 'live') continue;
    const since = vehicle.trail.fasterSince(rule.fasterThan);
    if (since === null || position.timestamp - since < rule.longerThan) continue;
    const values = { vehicle: shortId(vehicle.deviceId), speed: rule.fasterThan };
    yield ofVehicle(
      vehicle,
      since,
      rule.longerThan === 0
        ? { code: 'speeding', values }
        : { code: 'speeding-for', values: { ...values, limitMs: rule.longerThan } },
    );
  }
}

function ofVehicle(vehicle: Vehicle, startedAt: number, summary: AlertSummary): Condition {
  const { deviceId, providerId, position } = vehicle;
  return {
    provider_id: providerId,
    subject: { kind: 'vehicle', device_id: deviceId, zone_id: null },
    summary,
    location: position === null ? null : { lat: position.lat, lng: position.lng },
    startedAt,
  };
}

/** The end of an id, as the page shows it. */
function shortId(id: string): string {
  return id.slice(-6);
}
