import type { Frame } from '@hailstream/events/live';

/** Identifies a trip: a trip id is unique within its provider only. */
export interface TripRef {
  readonly tripId: string;
  readonly providerId: string;
}

/** A rider who waits for a vehicle, where the trip was requested. */
export interface WaitingRider extends TripRef {
  readonly lat: number;
  readonly lng: number;
  /** In milliseconds. */
  readonly requestedAt: number;
}

/** The riders who wait in the viewport. */
export class WaitingRiders {
  private readonly byKey = new Map<string, WaitingRider>();
  private listed: readonly WaitingRider[] = [];

  /** Applies a frame. `whole` is a snapshot: riders that are not in it are removed. */
  apply({ requests, requestsGone, providers }: Frame, { whole }: { whole: boolean }): void {
    if (!whole && requests.length === 0 && requestsGone.length === 0) return;
    if (whole) this.byKey.clear();
    for (const [tripId, provider] of requestsGone) {
      this.byKey.delete(tripKey({ tripId, providerId: providers[provider] ?? '' }));
    }
    for (const [tripId, lat, lng, requestedAt, provider] of requests) {
      const rider = { tripId, providerId: providers[provider] ?? '', lat, lng, requestedAt };
      this.byKey.set(tripKey(rider), rider);
    }
    this.listed = [...this.byKey.values()];
  }

  /** The same array until a rider starts or stops to wait. */
  get list(): readonly WaitingRider[] {
    return this.listed;
  }

  rider(trip: TripRef): WaitingRider | undefined {
    return this.byKey.get(tripKey(trip));
  }
}

/** A string that identifies a trip. */
export function tripKey({ providerId, tripId }: TripRef): string {
  return `${providerId} ${tripId}`;
}
