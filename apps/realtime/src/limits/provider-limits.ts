/** Bounds of the vehicles and trips of each provider. */
export interface ProviderLimits {
  /** Maximum number of vehicles: events of further vehicles are counted, and not folded. */
  readonly vehicles: number;
  /** A vehicle without an event for this long, by event time, is dropped. It starts again with its next event. */
  readonly vehiclesKeptMs: number;
  /** Maximum number of trips, riders who wait included: beyond it, the trip that was added first is dropped, and counted. */
  readonly trips: number;
}

export const PROVIDER_LIMITS: ProviderLimits = {
  vehicles: 200_000,
  vehiclesKeptMs: 168 * 3_600_000,
  trips: 200_000,
};
