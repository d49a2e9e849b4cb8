import type { Location } from './schema/location.js';
import type { RiderEventType } from './families/rider-event.js';
import type { VehicleEventType, VehicleState } from './families/vehicle-states.js';

/** What the realtime service and the page say to each other: socket.io events, one frame per tick. */
export interface ServerToClient {
  /** Everything in the viewport: after each `viewport`, after a reconnection, and to a client that fell behind. */
  snapshot: (frame: Frame) => void;
  /** What changed in the viewport since the last snapshot or frame. */
  frame: (frame: Frame) => void;
  /** The watched vehicle, when something about it changed; at most once per tick. */
  vehicle: (detail: VehicleDetail) => void;
  /** How the service stands towards the log: on connecting, and whenever it changes. */
  status: (message: StatusMessage) => void;
  /** A message that was not understood and changed nothing: a defect of the client. */
  refused: (refusal: Refusal) => void;
}

export interface ClientToServer {
  /** What the map shows now. Answered with a `snapshot`. */
  viewport: (viewport: Viewport) => void;
  /**
   * The vehicle whose card is open; `null` when it is closed. Without a provider it is the one vehicle with that id, and
   * `refused` if several providers have one.
   */
  watch: (vehicle: VehicleQuery | null) => void;
}

/** Which vehicle: a device id is unique only within its provider's fleet. */
export interface VehicleRef {
  readonly deviceId: string;
  readonly providerId: string;
}

/** A vehicle that is looked for by its device id; `null` if the provider is not known. */
export interface VehicleQuery {
  readonly deviceId: string;
  readonly providerId: string | null;
}

/**
 * How the service stands towards the log, from which it has all that it shows. Frames come only while it is `following`
 * or `stalled`.
 */
export type ServiceStatus =
  /** It reads the log as it grows. */
  | { readonly kind: 'following' }
  /** The log has not answered yet: nothing is known of the city. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** It reads what the log received lately. What is known of the city is incomplete. `reason` says what hinders it. */
  | { readonly kind: 'rebuilding'; readonly percent: number; readonly reason: string | null }
  /** It has read the log once, and does not get on now: what is known of the city is old. */
  | { readonly kind: 'stalled'; readonly reason: string };

export interface StatusMessage {
  /** The service's clock, in milliseconds. */
  readonly asOf: number;
  readonly status: ServiceStatus;
  /** Records, and whole batches, that could not be read since the service started; when the last one came, if that was lately. */
  readonly unreadable: { readonly count: number; readonly lastAt: number | null };
}

/** Which message was refused and what is wrong with it. */
export interface Refusal {
  readonly message: keyof ClientToServer;
  readonly reason: string;
}

/** Degrees; `west` is greater than `east` where it spans the antimeridian. */
export interface Viewport {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** Heard of lately; not for `STALE_AFTER_MS`; not for `SILENT_AFTER_MS`, by event time against the service's clock. */
export type Contact = 'live' | 'stale' | 'silent';

/**
 * A vehicle as drawn: device id, latitude and longitude in degrees, heading in degrees clockwise from north, speed in
 * metres a second, state, contact, provider as a key of the frame's `providers`. `null` where it is not known (a state
 * before its first event, too).
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
];

/** A vehicle that is no longer drawn: device id, and provider as a key of the frame's `providers`. */
export type GoneRow = readonly [deviceId: string, provider: number];

export interface Frame {
  /** The service's clock when the frame was made, in milliseconds. */
  readonly asOf: number;
  /** Milliseconds from this frame to the next one. */
  readonly tickMs: number;
  /** The providers of this frame's vehicles. The numbers are of this frame alone. */
  readonly providers: Readonly<Record<number, string>>;
  readonly vehicles: readonly VehicleRow[];
  /** Vehicles that left the viewport or went silent: to be taken off the map. */
  readonly gone: readonly GoneRow[];
  readonly figures: Figures;
}

/** Of all that the client may see, not of the viewport alone. */
export interface Figures {
  /** Vehicles heard of lately, by state. `unknown` has those of which only positions are known. */
  readonly byState: Readonly<Record<VehicleState | 'unknown', number>>;
  /** Vehicles not heard of for so long that they are not drawn. */
  readonly silent: number;
  /** Events folded in the last whole second. */
  readonly eventsPerSecond: number;
  /** Event time of the newest event, in milliseconds; at most a few seconds after its receipt. */
  readonly newestEventAt: number | null;
  /** When the newest record was received, in milliseconds: old events may just have come. */
  readonly newestReceivedAt: number | null;
  readonly tripsNow: number;
  readonly requestsWaiting: number;
  readonly longestWaitMs: number;
  /** Requests and reservations that were cancelled in the last quarter of an hour. */
  readonly cancellations: number;
}

/** A place and when a vehicle was there: latitude, longitude, speed in metres a second, event time in milliseconds. */
export type TrailPoint = readonly [lat: number, lng: number, speed: number | null, timestamp: number];

export interface VehicleDetail {
  readonly device_id: string;
  readonly provider_id: string;
  readonly vehicle_state: VehicleState | null;
  /** Since when it has been in that state, in milliseconds of event time. */
  readonly state_since: number | null;
  readonly contact: Contact;
  readonly location: Location | null;
  /** Event time of the newest position, in milliseconds. */
  readonly located_at: number | null;
  readonly trip: TripDetail | null;
  /** The last ten minutes, oldest first. */
  readonly trail: readonly TrailPoint[];
  /** The newest events, newest first. */
  readonly events: readonly {
    readonly event_types: readonly VehicleEventType[];
    readonly vehicle_state: VehicleState;
    readonly timestamp: number;
  }[];
}

export interface TripDetail {
  readonly trip_id: string;
  readonly requested_at: number | null;
  readonly destination: Location | null;
  readonly last_rider_event: RiderEventType | null;
}

/** `GET /city`: what the map is drawn over. Roads are GeoJSON lines with OpenStreetMap's `highway` class. */
export interface City {
  readonly name: string;
  readonly bbox: Viewport;
  readonly attribution: string;
  /** A map style to load instead of the roads, where one is configured. */
  readonly mapStyleUrl: string | null;
  readonly roads: {
    readonly type: 'FeatureCollection';
    readonly features: readonly {
      readonly type: 'Feature';
      readonly properties: { readonly highway: string; readonly name?: string };
      readonly geometry: {
        readonly type: 'LineString';
        readonly coordinates: readonly (readonly [lng: number, lat: number])[];
      };
    }[];
  };
}
