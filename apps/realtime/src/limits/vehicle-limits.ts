/** Bounds of the vehicles of each provider. */
export interface VehicleLimits {
  /** Maximum number of vehicles: events of further vehicles are counted, and not folded. */
  readonly vehicles: number;
  /** A vehicle without an event for this long, by event time, is dropped. It starts again with its next event. */
  readonly vehiclesKeptMs: number;
}

export const VEHICLE_LIMITS: VehicleLimits = { vehicles: 200_000, vehiclesKeptMs: 168 * 3_600_000 };
