import { randomUUID } from 'node:crypto';
import { LOCAL_PROVIDER_ID } from '@hailstream/nest';
import type { Telemetry } from '@hailstream/events';

const DEVICES = 1_000;

/** Telemetry of a thousand devices as the simulator writes it, each point new. */
export class TelemetrySource {
  readonly #deviceIds = Array.from({ length: DEVICES }, () => randomUUID());
  #made = 0;

  next(): Telemetry {
    this.#made += 1;
    return {
      device_id: this.#deviceIds[this.#made % DEVICES] ?? '',
      provider_id: LOCAL_PROVIDER_ID,
      telemetry_id: randomUUID(),
      timestamp: Date.now(),
      trip_ids: null,
      journey_id: null,
      location: {
        lat: 43.73 + Math.random() / 50,
        lng: 7.41 + Math.random() / 50,
        heading: 271.5,
        speed: 8.25,
      },
    };
  }

  batch(size: number): Telemetry[] {
    return Array.from({ length: size }, () => this.next());
  }
}
