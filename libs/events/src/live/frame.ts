import type { VehicleState } from '../families/vehicle-states.js';
import type { Contact } from './vehicle.js';

/** Degrees; `west` is greater than `east` if the viewport spans the antimeridian. */
export interface Viewport {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** A viewport, and the provider whose vehicles, requests and figures are sent; all that the token may see if omitted. */
export interface ViewportRequest extends Viewport {
  readonly providerId?: string;
  /** Whether the client shows counts per cell if the viewport has too many vehicles; without it, it is sent all vehicles. */
  readonly counts?: boolean;
  /**
   * What the client has, from its last snapshot or frame. If the service knows what has changed since, the response is a
   * `frame`, and otherwise a `snapshot`.
   */
  readonly resume?: ResumePoint;
}

/** Identifies the state of a client: each snapshot and frame has that of the client after it was applied. */
export interface ResumePoint {
  /** A random number, chosen when the process starts and whenever the city is rebuilt. Sequences of different epochs are unrelated. */
  readonly epoch: number;
  /** Incremented with each tick, and so with each frame. */
  readonly sequence: number;
  /** The area and the provider that are sent. Viewports that are nearly the same have the same view. */
  readonly view: string;
}

/**
 * A vehicle as drawn: device id, latitude and longitude in degrees, heading in degrees clockwise from north, speed in
 * metres a second, state, contact, provider as a key of the frame's `providers`; `null` if unknown. Battery level in percent if
 * it is known.
 */
export type VehicleRow = readonly [
  deviceId: string,
  lat: number,
  lng: number,
  heading: number | null,
  speed: number | null,
  state: VehicleState | null,
  contact: Contact,
  provider: number,
  battery?: number,
];

/**
 * A rider who waits: a trip that was requested and that no vehicle is reserved for. Trip id, latitude and longitude where the
 * rider was, time of the request in milliseconds, provider as a key of the frame's `providers`.
 */
export type RequestRow = readonly [
  tripId: string,
  lat: number,
  lng: number,
  requestedAt: number,
  provider: number,
];

/** What is no longer drawn: a device id or trip id, and provider as a key of the frame's `providers`. */
export type GoneRow = readonly [id: string, provider: number];

/**
 * A cell of a grid: latitude and longitude of its centre, which identify it, and how many vehicles of each state are in it.
 * A cell without counts has become empty.
 */
export type CellRow = readonly [
  lat: number,
  lng: number,
  counts: { readonly [State in VehicleState | 'unknown']?: number },
];

export interface Frame {
  /** The service's clock when the frame was made, in milliseconds. */
  readonly asOf: number;
  /** Milliseconds until the next frame. */
  readonly tickMs: number;
  /** The providers of this frame's rows. The numbers are valid within this frame only. */
  readonly providers: Readonly<Record<number, string>>;
  readonly vehicles: readonly VehicleRow[];
  /** Vehicles that left the viewport or became silent: to be removed from the map. */
  readonly gone: readonly GoneRow[];
  /** Riders who wait in the viewport. */
  readonly requests: readonly RequestRow[];
  /** Trips whose riders no longer wait in the viewport. */
  readonly requestsGone: readonly GoneRow[];
  /** Instead of vehicles, if the client has asked for counts and the viewport has too many vehicles: cells that changed. */
  readonly cells?: readonly CellRow[];
  readonly figures: Figures;
}

/** A frame of the present. */
export interface LiveFrame extends Frame, ResumePoint {}

/** Figures of all vehicles that the client may see, or of the provider that it chose; not only of the viewport. */
export interface Figures {
  /** Vehicles with recent events, by state. `unknown`: vehicles of which only positions are known. */
  readonly byState: Readonly<Record<VehicleState | 'unknown', number>>;
  /** Vehicles without events for so long that they are not drawn. */
  readonly silent: number;
  /** Events folded in the last whole second. */
  readonly eventsPerSecond: number;
  /** Event time of the newest event, in milliseconds. */
  readonly newestEventAt: number | null;
  /** Receipt of the newest record, in milliseconds. It may be recent although the event is old. */
  readonly newestReceivedAt: number | null;
  readonly tripsNow: number;
  readonly requestsWaiting: number;
  readonly longestWaitMs: number;
  /** Requests and reservations cancelled in the last 15 minutes. */
  readonly cancellations: number;
  /**
   * Events of vehicles beyond the maximum number of vehicles of a provider, since the service started: these vehicles are not
   * shown. Not set without such events.
   */
  readonly overQuota?: number;
  /**
   * Trips that were dropped before their time, because a provider had more than the maximum number, since the service started.
   * Not set without such trips.
   */
  readonly tripsOverQuota?: number;
}
