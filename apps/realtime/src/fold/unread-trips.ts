import type { TripFacts } from './trip.js';
import type { TripPack } from './trip-pack.js';

/** The trips of a pack that one fleet has not decoded yet. */
export class UnreadTrips {
  readonly isPacked: boolean;
  readonly isUnderWay: boolean;
  private readonly taken = new Set<string>();
  private readonly rest: Iterator<TripFacts>;

  /**
   * @param options `isPacked`: whether the keyframes that follow refer to the pack, so that its trips need not be written again.
   * `isUnderWay`: whether all of its trips are under way.
   */
  constructor(
    readonly pack: TripPack,
    {
      isPacked = false,
      isUnderWay = false,
    }: { readonly isPacked?: boolean; readonly isUnderWay?: boolean } = {},
  ) {
    this.isPacked = isPacked;
    this.isUnderWay = isUnderWay;
    this.rest = pack.all();
  }

  /**
   * Returns a trip that was not returned before; `null` if it is not one of these.
   *
   * @param hash `tripHash` of the id
   */
  take(tripId: string, hash: number): TripFacts | null {
    if (this.taken.has(tripId)) return null;
    const trip = this.pack.find(tripId, hash);
    if (trip !== null) this.taken.add(tripId);
    return trip;
  }

  /** Returns another trip that was not returned before; `null` if none is left. */
  takeNext(): TripFacts | null {
    for (let next = this.rest.next(); next.done !== true; next = this.rest.next()) {
      const { tripId } = next.value;
      if (this.taken.has(tripId)) continue;
      this.taken.add(tripId);
      return next.value;
    }
    return null;
  }

  /** The number of trips that were not returned. */
  get count(): number {
    return this.pack.count - this.taken.size;
  }
}
