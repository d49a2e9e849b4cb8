import type { Telemetry } from '@hailstream/events';
import type { Pool } from 'pg';
import type { Place } from './arrivals.js';

/** Longest that a realtime process may take to answer. */
const ANSWER_TIMEOUT_MS = 2_000;

interface Vehicles {
  readonly vehicles: readonly { readonly device_id: string; readonly located_at: number | null }[];
}

/** What a realtime process shows: an event has arrived once its vehicle is shown where it was then, or later. */
export function cityShownBy(url: string, token: string): Place {
  return {
    async find(events) {
      const locatedAt = await newestByDevice(url, token);
      return events.filter(({ device_id, timestamp }) => (locatedAt.get(device_id) ?? 0) >= timestamp);
    },
  };
}

/** The table of telemetry. */
export function tableIn(pool: Pool): Place {
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
    // A process that was killed shows nothing.
    return new Map();
  }
}
