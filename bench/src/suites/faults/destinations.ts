import type { Telemetry } from '@hailstream/events';
import type { Pool } from 'pg';
import type { Destination } from './arrivals.js';

/** Maximum time that a realtime process may take to respond. */
const ANSWER_TIMEOUT_MS = 2_000;

interface Vehicles {
  readonly vehicles: readonly { readonly device_id: string; readonly located_at: number | null }[];
}

/** The vehicles of a realtime process. An event has arrived once the position of its vehicle is as new as the event, or newer. */
export function realtimeAt(url: string, token: string): Destination {
  return {
    async find(events) {
      const locatedAt = await newestByDevice(url, token);
      return events.filter(({ device_id, timestamp }) => (locatedAt.get(device_id) ?? 0) >= timestamp);
    },
  };
}

/** The table of telemetry. */
export function telemetryTableIn(pool: Pool): Destination {
  return {
    async find(events) {
      const byId = new Map(events.map((event) => [event.telemetry_id, event]));
      const { rows } = await pool.query<{ id: string }>(
        'SELECT telemetry_id AS id FROM ride.telemetry WHERE telemetry_id = ANY($1)',
        [[...byId.keys()]],
      );
      return rows.map(({ id }) => byId.get(id)).filter((event): event is Telemetry => event !== undefined);
    },
  };
}

async function newestByDevice(url: string, token: string): Promise<ReadonlyMap<string, number>> {
  try {
    const response = await fetch(`${url}/vehicles`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const { vehicles } = (await response.json()) as Vehicles;
    return new Map(vehicles.map(({ device_id, located_at }) => [device_id, located_at ?? 0]));
  } catch {
    // A process that was killed does not respond.
    return new Map();
  }
}
