import type { AnyEvent, EventFamily, Trip } from '@hailstream/events';
import {
  cellOf,
  fareScale,
  isZeroPosition,
  localTimeOffset,
  MAX_PLAUSIBLE_SPEED,
  mistakeOfCell,
  problemOfReason,
  problems,
  speedRatio,
  unitOfRatio,
  type Cell,
  type Fix,
  type ProblemCode,
  type RejectionReason,
} from '@hailstream/events/plausibility';
import { placeOf, type AcceptedPlaces } from './accepted-places.js';

/** Maximum number of positions of items that a warning lists. */
const MAX_INDEXES = 20;

/** How far ahead a correct clock may seem, and how late a correct event may be, before there is a warning. */
const AHEAD_MS = 3_000;
const PAST_MS = 86_400_000;

/** At least this many pairs of points, and this share of them, must show another unit of speed. */
const LEAST_PAIRS = 2;
const LEAST_PAIR_SHARE = 0.6;

/** If no positions were accepted before, this share of the positions in the body is where vehicles are expected. */
const USUAL_SHARE = 0.5;
const LEAST_POSITIONS = 3;

/** A likely mistake in valid items, or the likely reason of failures. */
export interface Warning {
  readonly warning: ProblemCode;
  readonly title: string;
  readonly cause: string;
  readonly fix: string;
  /** Items concerned, and the positions of the first of them in the request. */
  readonly count: number;
  readonly indexes: readonly number[];
}

/** The valid items and the failures of a request, by their positions in it. */
interface Validated {
  readonly indexes: readonly number[];
  readonly failures: readonly { readonly index: number }[];
  /** For each failure, why the item was rejected. */
  readonly reasons: readonly RejectionReason[];
}

interface WarningContext {
  readonly family: EventFamily;
  readonly receivedAtMs: number;
  readonly places: AcceptedPlaces;
}

/** A valid item, with its position in the request. */
interface ValidItem {
  readonly index: number;
  readonly event: AnyEvent;
}

type Found = Map<ProblemCode, number[]>;

/** Returns the likely mistakes in the items of a request, and the mistakes that explain its failures. */
export function warningsOf(
  items: readonly unknown[],
  { indexes, failures, reasons }: Validated,
  context: WarningContext,
): Warning[] {
  const found: Found = new Map();
  for (const [position, { index }] of failures.entries()) {
    const problem = problemOfReason(reasons[position]!);
    if (problem !== null) add(found, problem, index);
  }
  const valid = indexes.map((index) => ({ index, event: items[index] as AnyEvent }));
  findTimes(found, valid, context);
  findIds(found, valid, context.family);
  findPlaces(found, valid, context.places);
  findSpeeds(found, valid);
  for (const { index, event } of valid) {
    const scale = 'distance' in event ? fareScale(event as Trip) : null;
    if (scale !== null && scale !== 'plausible') add(found, scale, index);
  }
  return Array.from(found, ([warning, at]) => ({
    warning,
    ...problems[warning],
    count: at.length,
    indexes: at.slice(0, MAX_INDEXES),
  }));
}

function findTimes(
  found: Found,
  valid: readonly ValidItem[],
  { family, receivedAtMs }: WarningContext,
): void {
  for (const { index, event } of valid) {
    const latenessMs = receivedAtMs - family.eventTime(event);
    if (latenessMs < -AHEAD_MS) add(found, 'clock-ahead', index);
    else if (localTimeOffset(latenessMs) !== null) add(found, 'local-time', index);
    else if (latenessMs > PAST_MS) add(found, 'past-events', index);
  }
}

/** The same id twice: of the same event, or of different ones. */
function findIds(found: Found, valid: readonly ValidItem[], family: EventFamily): void {
  const known = new Map<string, string>();
  for (const { index, event } of valid) {
    const id = `${family.providerId(event)}/${family.id(event)}`;
    const content = `${family.key(event)}/${family.eventTime(event)}`;
    const before = known.get(id);
    if (before === undefined) known.set(id, content);
    else add(found, before === content ? 'duplicates' : 'id-reuse', index);
  }
}

function findPlaces(found: Found, valid: readonly ValidItem[], places: AcceptedPlaces): void {
  const positions = valid.flatMap(({ index, event }) => {
    const place = placeOf(event);
    return place === undefined ? [] : [{ index, place, cell: cellOf(place) }];
  });
  const counts = new Map<Cell, number>();
  for (const { cell } of positions) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const isUsual = (cell: Cell): boolean => {
    if (places.isKnown) return places.has(cell);
    return positions.length >= LEAST_POSITIONS && (counts.get(cell) ?? 0) > USUAL_SHARE * positions.length;
  };
  const mistakes = new Map(Array.from(counts.keys(), (cell) => [cell, mistakeOfCell(cell, isUsual)]));
  for (const { index, place, cell } of positions) {
    const mistake = isZeroPosition(place) ? 'zero-position' : mistakes.get(cell);
    if (mistake !== null && mistake !== undefined) add(found, mistake, index);
  }
}

/** Compares reported speeds with the distance between the points of a vehicle. */
function findSpeeds(found: Found, valid: readonly ValidItem[]): void {
  const units = { metres: 0, miles: 0, kilometres: 0, other: 0 };
  const moving: number[] = [];
  const before = new Map<string, Fix>();
  const fixes = valid.flatMap(({ index, event }) => toFix(index, event) ?? []);
  for (const { index, deviceId, fix } of fixes.toSorted(
    (one, other) => one.fix.timestamp - other.fix.timestamp,
  )) {
    const from = before.get(deviceId);
    const ratio = from === undefined ? null : speedRatio(from, fix);
    before.set(deviceId, fix);
    if (ratio !== null) {
      units[unitOfRatio(ratio)] += 1;
      moving.push(index);
    }
    if ((fix.speed ?? 0) > MAX_PLAUSIBLE_SPEED) add(found, 'implausible-speed', index);
  }
  const least = Math.max(LEAST_PAIRS, LEAST_PAIR_SHARE * moving.length);
  if (units.kilometres >= least) for (const index of moving) add(found, 'speed-in-kmh', index);
  else if (units.miles >= least) for (const index of moving) add(found, 'speed-in-mph', index);
}

function toFix(index: number, event: object): { index: number; deviceId: string; fix: Fix } | undefined {
  const {
    device_id: deviceId,
    timestamp,
    location,
  } = event as {
    readonly device_id?: string;
    readonly timestamp?: number;
    readonly location?: { readonly lat: number; readonly lng: number; readonly speed?: number };
  };
  if (deviceId === undefined || timestamp === undefined || location === undefined) return undefined;
  const { lat, lng, speed } = location;
  return { index, deviceId, fix: { lat, lng, timestamp, speed } };
}

function add(found: Found, problem: ProblemCode, index: number): void {
  const at = found.get(problem);
  if (at === undefined) found.set(problem, [index]);
  else at.push(index);
}
