import type { AlertsMessage } from './alerts.js';
import type { LiveFrame, ViewportRequest } from './frame.js';
import type { ClientToHistory, HistoryToClient } from './history.js';
import type { StatusMessage } from './status.js';
import type { VehicleDetail, VehicleQuery } from './vehicle.js';

/** Messages from the realtime service to the dashboard: socket.io events, one frame per tick. */
export interface ServerToClient extends HistoryToClient {
  /** All vehicles in the viewport: after a `viewport` without `resume`, and if it is not known what has changed since. */
  snapshot: (frame: LiveFrame) => void;
  /** Changes in the viewport since the last snapshot or frame, since `resume`, or since the client fell behind. */
  frame: (frame: LiveFrame) => void;
  /** Instead of `snapshot` and `frame`, for a client that has asked for it: the same content in the layout of `live-binary`. */
  binary: (bytes: Uint8Array) => void;
  /** The watched vehicle, after a change; at most once per tick. */
  vehicle: (detail: VehicleDetail) => void;
  /** State of the service with respect to the log: on connection, and after each change. */
  status: (message: StatusMessage) => void;
  /** How many alerts there are: on connection, and after each change of one that the token may see. */
  alerts: (message: AlertsMessage) => void;
  /** A message had no effect. */
  refused: (refusal: Refusal) => void;
}

export interface ClientToServer extends ClientToHistory {
  /** The current viewport of the map. The response is a `snapshot`, or with `resume` a `frame` if possible. */
  viewport: (viewport: ViewportRequest) => void;
  /**
   * The vehicle whose card is open; `null` if no card is open. Without a provider, the only vehicle with that id; the
   * response is `refused` if several providers have one.
   */
  watch: (vehicle: VehicleQuery | null) => void;
}

/** The message that was refused, and the reason. */
export interface Refusal {
  readonly message: keyof ClientToServer;
  readonly code: RefusalCode;
  readonly reason: string;
}

/**
 * `INVALID`: because of a bug in the client. `FORBIDDEN`: the token does not allow it. `AMBIGUOUS`: several providers have the
 * vehicle. `TOO_MANY_MESSAGES`: the clients of the token send too many; the message may be sent again a second later.
 */
type RefusalCode = 'INVALID' | 'FORBIDDEN' | 'AMBIGUOUS' | 'TOO_MANY_MESSAGES';
