import type { Frame, Viewport } from './frame.js';
import type { VehicleList } from './lists.js';
import type { VehicleDetail, VehicleRef } from './vehicle.js';

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
  /** While earlier moments are read from the log; otherwise `null`. */
  readonly backfill: HistoryBackfill | null;
}

/** The progress of reading the log before {@link HistoryRange.earliest}. Earlier moments become available in stages. */
export interface HistoryBackfill {
  /** Of all that is read, whole. */
  readonly percent: number;
  /** The receipt from which the log is read, in milliseconds. */
  readonly since: number;
}

export interface ClientToHistory {
  /** Opens a session, or replaces the one that is open. */
  openHistory: (request: OpenHistory) => void;
  seekHistory: (request: SeekHistory) => void;
  /** Moves the moment forward at 1 to 60 times the speed of the clock, up to the latest moment. */
  playHistory: (request: { readonly speed: number }) => void;
  pauseHistory: () => void;
  /** The viewport, and the provider that is shown. */
  historyViewport: (viewport: HistoryViewport) => void;
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
  readonly viewport: HistoryViewport;
}

/** A viewport, and the provider whose vehicles, requests and figures are sent; all that the token may see if omitted. */
export interface HistoryViewport extends Viewport {
  readonly providerId?: string;
}

export interface HistoryToClient {
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
  /** Records of the log, received up to the moment, that could not be read: something may be missing. */
  readonly unreadableRecords: number;
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
  readonly moment: {
    readonly at: number;
    readonly by: HistoryOrder;
    /** Records of the log, received up to the moment, that could not be read: something may be missing. */
    readonly unreadable_records: number;
  };
}
