import type { Location } from './schema/location.js';
import type { RiderEventType } from './families/rider-event.js';
import type { VehicleEventType, VehicleState } from './families/vehicle-states.js';

/** Messages from the realtime service to the dashboard: socket.io events, one frame per tick. */
export interface ServerToClient extends HistoryToClient {
  /** All vehicles in the viewport: after each `viewport`, after a reconnection, and for a client that fell behind. */
  snapshot: (frame: Frame) => void;
  /** Changes in the viewport since the last snapshot or frame. */
  frame: (frame: Frame) => void;
  /** The watched vehicle, after a change; at most once per tick. */
  vehicle: (detail: VehicleDetail) => void;
  /** State of the service with respect to the log: on connection, and after each change. */
  status: (message: StatusMessage) => void;
  /** A message was invalid and had no effect, because of a bug in the client. */
  refused: (refusal: Refusal) => void;
}

export interface ClientToServer extends ClientToHistory {
  /** The current viewport of the map. The response is a `snapshot`. */
  viewport: (viewport: ViewportRequest) => void;
  /**
   * The vehicle whose card is open; `null` if no card is open. Without a provider, the only vehicle with that id; the
   * response is `refused` if several providers have one.
   */
  watch: (vehicle: VehicleQuery | null) => void;
}

/** Identifies a vehicle: a device id is unique within its provider's fleet only. */
export interface VehicleRef {
  readonly deviceId: string;
  readonly providerId: string;
}

/** The answer to `GET /commands`, which needs no token: shell commands that the page shows. `null` if not configured. */
export interface PageCommands {
  /** Prints a link that signs a browser in. */
  readonly signIn: string | null;
  /** Replays recorded events. */
  readonly replay: string | null;
}

/** A vehicle to find by its device id; `providerId` is `null` if it is not known. */
export interface VehicleQuery {
  readonly deviceId: string;
  readonly providerId: string | null;
}

/**
 * State of the service with respect to the log. Frames are sent only while it is `following` or `stalled`.
 */
export type ServiceStatus =
  /** It reads new records of the log. */
  | { readonly kind: 'following' }
  /** The log has not responded yet, so no vehicle is known. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** It reads recent records. The state of the city is incomplete. `reason`: the problem, if there is one. */
  | { readonly kind: 'rebuilding'; readonly percent: number; readonly reason: string | null }
  /** It has rebuilt the state, but cannot read new records: the state of the city is outdated. */
  | { readonly kind: 'stalled'; readonly reason: string };

export interface StatusMessage {
  /** The service's clock, in milliseconds. */
  readonly asOf: number;
  readonly status: ServiceStatus;
  /** Records and batches that could not be decoded since the start; time of the last one if it was recent. */
  readonly unreadable: { readonly count: number; readonly lastAt: number | null };
}

/** The message that was refused, and the reason. */
export interface Refusal {
  readonly message: keyof ClientToServer;
  readonly reason: string;
}

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
}

/** By age of the last event: recent; older than `STALE_AFTER_MS`; older than `SILENT_AFTER_MS`. */
export type Contact = 'live' | 'stale' | 'silent';

/**
 * A vehicle as drawn: device id, latitude and longitude in degrees, heading in degrees clockwise from north, speed in
 * metres a second, state, contact, provider as a key of the frame's `providers`. `null` if unknown.
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
  readonly figures: Figures;
}

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
}

/** A past position: latitude, longitude, speed in metres per second, event time in milliseconds. */
export type TrailPoint = readonly [lat: number, lng: number, speed: number | null, timestamp: number];

export interface VehicleDetail {
  readonly device_id: string;
  readonly provider_id: string;
  readonly vehicle_state: VehicleState | null;
  /** Event time of the change to that state, in milliseconds. */
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

/** A vehicle in a list: its detail without trip, trail and events. */
export type VehicleSummary = Omit<VehicleDetail, 'trip' | 'trail' | 'events'>;

/** Response of `GET /vehicles`. */
export interface VehicleList {
  readonly asOf: number;
  /** Vehicles in this response. */
  readonly count: number;
  /** Vehicles that match the filters, in this response or not. */
  readonly total: number;
  /** The number of them that precede this response. */
  readonly offset: number;
  readonly vehicles: readonly VehicleSummary[];
}

/** Response of `GET /vehicles/extent`: the smallest area that contains all vehicles that are drawn; `null` without any. */
export interface FleetExtent {
  readonly asOf: number;
  readonly count: number;
  readonly bbox: Viewport | null;
}

/** Response of `GET /providers`: in the order of their ids. */
export interface ProviderList {
  readonly asOf: number;
  readonly providers: readonly { readonly provider_id: string; readonly vehicles: number }[];
}

/** The stage of a trip, from the request to its end. */
export type TripStage = 'requested' | 'reserved' | 'on_trip' | 'stopped' | 'ended' | 'cancelled';

export type SearchResult =
  | {
      readonly kind: 'vehicle';
      readonly device_id: string;
      readonly provider_id: string;
      readonly vehicle_state: VehicleState | null;
      readonly contact: Contact;
      /** The trip that it is reserved for or on. */
      readonly trip_id: string | null;
    }
  | {
      readonly kind: 'trip';
      readonly trip_id: string;
      readonly provider_id: string;
      /** `null` if it is unknown, for example after a rating alone. */
      readonly stage: TripStage | null;
      /** The vehicle of its newest vehicle event. */
      readonly device_id: string | null;
      readonly requested_at: number | null;
      readonly pickup: Location | null;
      readonly destination: Location | null;
    };

/** Response of `GET /search`: vehicles and trips, the best match first. */
export interface SearchResults {
  readonly asOf: number;
  /** All that match. */
  readonly total: number;
  readonly results: readonly SearchResult[];
}

interface TripDetail {
  readonly trip_id: string;
  readonly requested_at: number | null;
  readonly destination: Location | null;
  readonly last_rider_event: RiderEventType | null;
}

/** Response of `GET /city`: the base map. Roads are GeoJSON lines with the `highway` class of OpenStreetMap. */
export interface City {
  readonly name: string;
  readonly bbox: Viewport;
  readonly attribution: string;
  /** Map style to load instead of the roads, if configured. */
  readonly mapStyleUrl: string | null;
  readonly roads: Features<
    { readonly highway: string; readonly name?: string },
    { readonly type: 'LineString'; readonly coordinates: readonly LngLat[] }
  >;
  /** Water, parks and buildings, drawn below the roads. The first ring of a polygon is its border, the others are holes. */
  readonly areas: Features<
    { readonly kind: 'water' | 'park' | 'building' },
    { readonly type: 'Polygon'; readonly coordinates: readonly (readonly LngLat[])[] }
  >;
  /** Names of parts of the city, with OpenStreetMap's class of the place. */
  readonly places: Features<
    { readonly place: string; readonly name: string },
    { readonly type: 'Point'; readonly coordinates: LngLat }
  >;
}

type LngLat = readonly [lng: number, lat: number];

interface Features<Properties, Geometry> {
  readonly type: 'FeatureCollection';
  readonly features: readonly {
    readonly type: 'Feature';
    readonly properties: Properties;
    readonly geometry: Geometry;
  }[];
}

/*
 * History: the city at a moment that the log still holds. `GET /history` has the range of moments and the activity in it;
 * `GET /vehicles?at=` has the vehicles at one moment.
 *
 * A socket has at most one history session, next to its live view. `openHistory` starts it, and is answered by
 * `historyStatus` (`seeking`), one `historySnapshot`, and `historyStatus` (`paused`). `seekHistory`, `playHistory` and
 * `historyViewport` change it; a seek and a viewport are answered by one `historySnapshot`, and `playHistory` by
 * `historyStatus` (`playing`) and one `historyFrame` per tick with what changed since the frame before. A socket whose
 * frames are not read is sent none: the moment stops and continues when it has caught up.
 *
 * Each snapshot and frame has the number of the last `openHistory` or `seekHistory` that it includes: a page discards those
 * with another number than its last one. A moment outside the range is replaced by the nearest moment within it. The session
 * ends with `historyStatus` (`closed`): after `closeHistory`, when it fails, or when it was paused for too long. Invalid
 * messages are answered by `refused`.
 */

/**
 * The order by which a moment selects events. `event`: what had happened, every event whose own time is not after the moment,
 * late ones included. `received`: what was known, every event that the log had received by then.
 */
export type HistoryOrder = 'event' | 'received';

/**
 * Response of `GET /history?by=&from=&to=&intervals=`: the moments that can be shown, in milliseconds; `null` if the log has no
 * events. The response is 404 if the service has no history, and 503 until the city is rebuilt.
 */
export interface HistoryRange {
  readonly by: HistoryOrder;
  readonly earliest: number | null;
  readonly latest: number | null;
  /** Counts of the events that the token may see; `counts[n]` is of `stepMs` from `from + n * stepMs`. */
  readonly activity: {
    readonly from: number;
    /** A multiple of a minute. */
    readonly stepMs: number;
    readonly counts: readonly number[];
  };
}

interface ClientToHistory {
  /** Opens a session, or replaces the one that is open. */
  openHistory: (request: OpenHistory) => void;
  seekHistory: (request: SeekHistory) => void;
  /** Moves the moment forward at 1 to 60 times the speed of the clock, up to the latest moment. */
  playHistory: (request: { readonly speed: number }) => void;
  pauseHistory: () => void;
  historyViewport: (viewport: Viewport) => void;
  /** The vehicle whose card is open in the session; the response is `historyVehicle`. */
  watchHistory: (vehicle: VehicleRef | null) => void;
  closeHistory: () => void;
}

export interface SeekHistory {
  /** Chosen by the client, greater than the number before. */
  readonly seek: number;
  /** The moment, in milliseconds. */
  readonly at: number;
}

export interface OpenHistory extends SeekHistory {
  readonly by: HistoryOrder;
  readonly viewport: Viewport;
}

interface HistoryToClient {
  /** All vehicles in the viewport at the moment. */
  historySnapshot: (frame: HistoryFrame) => void;
  /** Changes in the viewport since the last snapshot or frame. */
  historyFrame: (frame: HistoryFrame) => void;
  /** The watched vehicle at the moment; `null` if it had sent nothing by then. */
  historyVehicle: (detail: VehicleDetail | null) => void;
  historyStatus: (status: HistoryStatus) => void;
}

/** A frame as of a moment of the past: its `asOf` is that moment. */
export interface HistoryFrame extends Frame {
  readonly seek: number;
  readonly by: HistoryOrder;
}

export type HistoryStatus =
  /** The city at the moment `at` is read. `percent`: the progress, whole. */
  | { readonly kind: 'seeking'; readonly at: number; readonly percent: number }
  | { readonly kind: 'paused'; readonly at: number }
  /** `speed` may be lower than requested, if reading is slower. */
  | { readonly kind: 'playing'; readonly at: number; readonly speed: number }
  /** There is no session any more. */
  | { readonly kind: 'closed'; readonly code: HistoryCloseCode; readonly reason: string };

/**
 * `CLOSED`: by the client. `NOTHING_RECORDED`: the log has no event. `TOO_MANY_SESSIONS`: of this process or
 * this token. `HISTORY_DISABLED`: the service has no folder for keyframes. `LOG_UNREACHABLE`; `OFFSETS_DELETED`: the log
 * deleted what the moment needs meanwhile. `LIMIT_EXCEEDED`: the session needs more memory than it may use. `IDLE`: nothing
 * was requested for 15 minutes. `FAILED`: a bug.
 */
export type HistoryCloseCode =
  | 'CLOSED'
  | 'NOTHING_RECORDED'
  | 'TOO_MANY_SESSIONS'
  | 'HISTORY_DISABLED'
  | 'LOG_UNREACHABLE'
  | 'OFFSETS_DELETED'
  | 'LIMIT_EXCEEDED'
  | 'IDLE'
  | 'FAILED';

/** Response of `GET /vehicles?at=ISO[&by=event|received]`: {@link VehicleList} as of a moment of the past. */
export interface PastVehicleList extends VehicleList {
  readonly moment: { readonly at: number; readonly by: HistoryOrder };
}
