import type { SearchResult, SearchResults, TripStage } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import type { TripFacts } from '../fold/trip.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';

/** How well a vehicle or trip matches; a higher number is better, and 0 does not match. */
const EXACT = 4;
const END_OF_ID = 3;
const PART_OF_ID = 2;
const OTHER_FIELD = 1;

/** Comparisons between two pauses: about a millisecond. */
const STEP = 512;

/** What can be found, in the words that a query may contain. */
interface Candidate {
  /** Device id or trip id. */
  readonly id: string;
  /** Further ids: of the provider, of the trip's vehicle. */
  readonly otherIds: readonly string[];
  /** Kind and state. */
  readonly words: readonly string[];
}

interface Ranked {
  readonly score: number;
  readonly id: string;
}

type Match = Ranked & { readonly result: () => SearchResult };

/**
 * Finds vehicles and trips of which every word of the query is a part: of an id, or the beginning of a word of the state
 * (`on trip`, `requested`) or of the kind (`vehicle`, `trip`). Better matches come first: whole ids, then the end of ids, which
 * is what the page shows, then parts of ids, then the rest; of equal matches, vehicles first and then by id. Pauses after every
 * {@link STEP} comparisons, so that a search of a large city does not delay ticks.
 */
export async function searchCity(
  city: CityState,
  query: { readonly text: string; readonly filter: ProviderFilter; readonly limit: number },
  { now, pause }: { readonly now: number; readonly pause: () => Promise<void> },
): Promise<SearchResults> {
  const terms = query.text
    .toLowerCase()
    .split(/[\s_]+/)
    .filter((term) => term !== '');
  const best = new BestMatches(query.limit);
  let compared = 0;
  if (terms.length > 0) {
    for (const vehicle of city.vehicles(query.filter)) {
      if ((compared += 1) % STEP === 0) await pause();
      const { deviceId: id } = vehicle;
      const score = scoreOf(vehicleCandidate(vehicle), terms);
      if (best.accepts(score, id)) best.add({ score, id, result: () => vehicleResult(city, vehicle, now) });
    }
    while (city.unpackTrips(STEP, query.filter)) await pause();
    for (const { providerId, trip } of city.trips(query.filter)) {
      if ((compared += 1) % STEP === 0) await pause();
      const { tripId: id } = trip;
      // Half a point less, so that a vehicle precedes a trip that matches equally.
      const score = scoreOf(tripCandidate(trip, providerId), terms) - 0.5;
      if (best.accepts(score, id)) best.add({ score, id, result: () => tripResult(trip, providerId) });
    }
  }
  return { asOf: now, total: best.total, results: best.list().map(({ result }) => result()) };
}

/** The best of all matches. Few are kept, so that a query that matches a whole city does not sort it. */
class BestMatches {
  total = 0;
  private readonly kept: Match[] = [];

  constructor(private readonly limit: number) {}

  /** Counts a match; a score below zero is not one. Returns whether it is among the best so far. */
  accepts(score: number, id: string): boolean {
    if (score <= 0) return false;
    this.total += 1;
    const last = this.kept.at(-1);
    return this.kept.length < this.limit || last === undefined || precedes({ score, id }, last);
  }

  add(match: Match): void {
    const at = this.kept.findIndex((other) => precedes(match, other));
    this.kept.splice(at === -1 ? this.kept.length : at, 0, match);
    this.kept.length = Math.min(this.kept.length, this.limit);
  }

  list(): readonly Match[] {
    return this.kept;
  }
}

function precedes(one: Ranked, other: Ranked): boolean {
  return one.score === other.score ? one.id < other.id : one.score > other.score;
}

/** The score of the best term; 0 if a term does not match. */
function scoreOf(candidate: Candidate, terms: readonly string[]): number {
  let best = 0;
  for (const term of terms) {
    const score = termScore(candidate, term);
    if (score === 0) return 0;
    best = Math.max(best, score);
  }
  return best;
}

function termScore({ id, otherIds, words }: Candidate, term: string): number {
  if (id === term) return EXACT;
  if (id.endsWith(term)) return END_OF_ID;
  if (id.includes(term)) return PART_OF_ID;
  const isOther =
    words.some((word) => word.startsWith(term)) || otherIds.some((other) => other.includes(term));
  return isOther ? OTHER_FIELD : 0;
}

function vehicleCandidate(vehicle: Vehicle): Candidate {
  const { deviceId, providerId, state } = vehicle;
  return { id: deviceId, otherIds: [providerId], words: wordsOf('vehicle', state ?? 'unknown') };
}

function tripCandidate(trip: TripFacts, providerId: string): Candidate {
  const { tripId, deviceId, stage } = trip;
  const otherIds = deviceId === null ? [providerId] : [providerId, deviceId];
  return { id: tripId, otherIds, words: wordsOf('trip', stage ?? 'unknown') };
}

const knownWords = {
  vehicle: new Map<string, readonly string[]>(),
  trip: new Map<string, readonly string[]>(),
};

/** The words of a kind and a state: `vehicle`, `on`, `trip`. Waiting riders have requested a trip. */
function wordsOf(kind: 'vehicle' | 'trip', state: string): readonly string[] {
  const known = knownWords[kind].get(state);
  if (known !== undefined) return known;
  const further = state === ('requested' satisfies TripStage) ? ['waiting'] : [];
  const words = [kind, ...state.split('_'), ...further];
  knownWords[kind].set(state, words);
  return words;
}

function vehicleResult(city: CityState, vehicle: Vehicle, now: number): SearchResult {
  return {
    kind: 'vehicle',
    device_id: vehicle.deviceId,
    provider_id: vehicle.providerId,
    vehicle_state: vehicle.state,
    contact: contactAt(vehicle.heardAt, now),
    trip_id: city.tripOf(vehicle)?.tripId ?? null,
  };
}

function tripResult(trip: TripFacts, providerId: string): SearchResult {
  return {
    kind: 'trip',
    trip_id: trip.tripId,
    provider_id: providerId,
    stage: trip.stage,
    device_id: trip.deviceId,
    requested_at: trip.requestedAt,
    pickup: trip.pickup,
    destination: trip.destination,
  };
}
