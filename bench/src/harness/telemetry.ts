import { randomUUID } from 'node:crypto';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import type { Telemetry } from '@hailstream/events';

/** Telemetry in the simulator's format: each point is new, and devices alternate. */
export class TelemetrySource {
  private readonly deviceIds: readonly string[];
  private readonly providerId: string;
  private made = 0;

  constructor({ devices = 1_000, providerId = LOCAL_PROVIDER_ID } = {}) {
    this.deviceIds = Array.from({ length: devices }, () => randomUUID());
    this.providerId = providerId;
  }

  next(): Telemetry {
    this.made += 1;
    return {
      device_id: this.deviceIds[this.made % this.deviceIds.length]!,
      provider_id: this.providerId,
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
