import type { Frame, RequestRow, VehicleRow } from '@hailstream/events/live';
import type { TripFacts } from '../fold/trip.js';
import { contactAt, type Vehicle } from '../fold/vehicle.js';

/** What a frame is made from. */
export type FrameContent = Omit<Frame, 'providers'>;

/** A frame, with the ids of the providers that its rows refer to. */
export function frame(content: FrameContent, numbers: ProviderNumbers): Frame {
  const { asOf, tickMs, vehicles, gone, requests, requestsGone, figures } = content;
  const providers: Record<number, string> = {};
  for (const row of vehicles) providers[row[7]] ??= numbers.idOf(row[7]);
  for (const row of gone) providers[row[1]] ??= numbers.idOf(row[1]);
  for (const row of requests) providers[row[4]] ??= numbers.idOf(row[4]);
  for (const row of requestsGone) providers[row[1]] ??= numbers.idOf(row[1]);
  return { asOf, tickMs, providers, vehicles, gone, requests, requestsGone, figures };
}

/** Assigns each provider id a number, which rows of frames carry instead of the id. */
export class ProviderNumbers {
  private readonly numbers = new Map<string, number>();
  private readonly ids: string[] = [];

  /** The number of a provider, assigned on first use. */
  of(providerId: string): number {
    const known = this.numbers.get(providerId);
    if (known !== undefined) return known;
    const number = this.ids.push(providerId) - 1;
    this.numbers.set(providerId, number);
    return number;
  }

  /** @throws RangeError if the number was not assigned */
  idOf(number: number): string {
    const providerId = this.ids[number];
    if (providerId === undefined) throw new RangeError(`no provider has the number ${number}`);
    return providerId;
  }
}

/** A vehicle as a row of a frame; `null` if it is not drawn because it is silent or has no position. */
export function vehicleRow(vehicle: Vehicle, providerNumber: number, now: number): VehicleRow | null {
  const contact = contactAt(vehicle.heardAt, now);
  const position = contact === 'silent' ? null : vehicle.position;
  if (position === null) return null;
  const { lat, lng, heading, speed } = position;
  const battery = vehicle.batteryPercent;
  const row = [
    vehicle.deviceId,
    round(lat, 1e6),
    round(lng, 1e6),
    round(heading, 10),
    round(speed, 10),
    vehicle.state,
    contact,
    providerNumber,
  ] as const;
  return battery === null ? row : [...row, battery];
}

/** A trip as a row of a frame; `null` if its rider does not wait for a vehicle. */
export function requestRow(trip: TripFacts, providerNumber: number): RequestRow | null {
  const { pickup, requestedAt } = trip;
  if (trip.stage !== 'requested' || pickup === null || requestedAt === null) return null;
  return [trip.tripId, round(pickup.lat, 1e6), round(pickup.lng, 1e6), requestedAt, providerNumber];
}

/** Rounds to 1/`parts`: a millionth of a degree is about 0.1 m. */
function round<N extends number | null>(value: N, parts: number): N {
  return (value === null ? null : Math.round(value * parts) / parts) as N;
}
