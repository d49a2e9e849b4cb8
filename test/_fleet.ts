import { eventRegistry, type EventOf, type FamilyName } from '@hailstream/events';
import { createProducer, type LogConnection } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';

export const PROVIDERS = [
  '2411d395-04f2-47c9-ab66-d09e9e3c3251',
  'b4bd30de-3a0a-4d9a-8c1b-5d7a6f0d41ee',
] as const;

export type FleetEvent = {
  readonly [Name in FamilyName]: { readonly family: Name; readonly event: EventOf<Name> };
}[FamilyName];

let ids = 0x100_000;

/** A UUID that ends with `n`, in hexadecimal. */
export function idOf(n: number): string {
  return `0195a0c4-7a10-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** A vehicle that is available or on a trip: its position, and the event that led to its state. */
export function vehicleEvents(vehicle: {
  readonly deviceId: string;
  readonly providerId: string;
  readonly lat: number;
  readonly lng: number;
  readonly tripId?: string;
  /** Time of the position; now if omitted. */
  readonly timestamp?: number;
  /** In percent. */
  readonly battery?: number;
  /** In metres per second. */
  readonly speed?: number;
}): FleetEvent[] {
  const { deviceId, providerId, lat, lng, tripId, timestamp = Date.now(), battery, speed = 8 } = vehicle;
  const whose = { device_id: deviceId, provider_id: providerId };
  return [
    {
      family: 'telemetry',
      event: {
        ...whose,
        telemetry_id: idOf((ids += 1)),
        timestamp,
        location: { lat, lng, heading: 45, speed },
        ...(battery !== undefined && { battery_percent: battery }),
      },
    },
    {
      family: 'vehicle-events',
      event: {
        ...whose,
        event_id: idOf((ids += 1)),
        timestamp: timestamp - 1_000,
        location: { lat, lng },
        ...(tripId === undefined
          ? { vehicle_state: 'available', event_types: ['service_start'] }
          : { vehicle_state: 'on_trip', event_types: ['trip_start'], trip_ids: [tripId] }),
      },
    },
  ];
}

/** A request of a rider, who waits since `waitedMs`. */
export function rideRequest(request: {
  readonly tripId: string;
  readonly providerId: string;
  readonly lat: number;
  readonly lng: number;
  readonly waitedMs: number;
}): FleetEvent {
  const { tripId, providerId, lat, lng, waitedMs } = request;
  return {
    family: 'rider-events',
    event: {
      event_id: idOf((ids += 1)),
      provider_id: providerId,
      rider_id: idOf((ids += 1)),
      trip_id: tripId,
      event_type: 'ride_request',
      timestamp: Date.now() - waitedMs,
      location: { lat, lng },
      destination: { lat: lat + 0.005, lng: lng + 0.005 },
    },
  };
}

/** Appends events to the log, as ingest does. */
export async function appendEvents(connection: LogConnection, events: readonly FleetEvent[]): Promise<void> {
  const logger = createLogger({ name: 'test', level: 'silent' });
  await using producer = createProducer({ connection, logger });
  const records = events.map(({ family, event }) => {
    const { topic, key } = eventRegistry.byName.get(family)!;
    return { topic: topic.name, key: key(event), value: Buffer.from(JSON.stringify(event)) };
  });
  const results = await producer.send(records);
  const failed = results.find((result) => result.kind === 'failed');
  if (failed !== undefined) throw failed.error;
}
