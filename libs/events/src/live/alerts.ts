import type { AlertCounts } from '../alerts.js';

/** Alerts that are not cleared. `GET /alerts` has them. */
export interface AlertsMessage extends AlertCounts {
  /** The service's clock, in milliseconds. */
  readonly asOf: number;
  /** When one of the alerts changed last; 0 without alerts. */
  readonly changedAt: number;
}
