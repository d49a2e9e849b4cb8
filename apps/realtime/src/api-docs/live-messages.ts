import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import type Type from 'typebox';
import { OpenMessage, PlayMessage, SeekMessage, WatchHistoryMessage } from '../history/history.schema.js';
import { ViewportMessage, WatchMessage } from '../live/live.schema.js';
import {
  AlertNumbers,
  BinaryFrame,
  HistoryFrame,
  HistoryStatus,
  LiveFrame,
  PastVehicleDetail,
  refusalOf,
  ServiceStatus,
  VehicleDetail,
} from './live-schemas.js';

/** A message of the live view. */
export interface LiveMessage {
  readonly summary: string;
  /** Name and schema of its content; `null` if it has none. */
  readonly content: { readonly name: string; readonly schema: Type.TSchema } | null;
  /** Whether `GET /stream` sends it, too. */
  readonly isInStream?: boolean;
}

/** What clients send. The schemas are those that validate messages. */
export const clientMessages = {
  viewport: {
    summary: 'The area whose vehicles are sent; answered by a snapshot',
    content: { name: 'Viewport', schema: ViewportMessage },
  },
  watch: {
    summary: 'The vehicle whose details are sent; null for none',
    content: { name: 'WatchedVehicle', schema: WatchMessage },
  },
  openHistory: {
    summary: 'Opens a session that shows a moment of the past',
    content: { name: 'OpenHistory', schema: OpenMessage },
  },
  seekHistory: {
    summary: 'Shows another moment of the past',
    content: { name: 'SeekHistory', schema: SeekMessage },
  },
  playHistory: {
    summary: 'Moves the moment forward at a multiple of the speed of the clock',
    content: { name: 'PlayHistory', schema: PlayMessage },
  },
  pauseHistory: { summary: 'Stops the moment', content: null },
  historyViewport: {
    summary: 'The area of the session; answered by a history snapshot',
    content: { name: 'Viewport', schema: ViewportMessage },
  },
  watchHistory: {
    summary: 'The vehicle whose details at the moment are sent; null for none',
    content: { name: 'PastWatchedVehicle', schema: WatchHistoryMessage },
  },
  closeHistory: { summary: 'Ends the session', content: null },
} as const satisfies Readonly<Record<keyof ClientToServer, LiveMessage>>;

const refusable = Object.keys(clientMessages) as (keyof ClientToServer)[];

/** What the service sends. */
export const serverMessages = {
  snapshot: {
    summary:
      'All vehicles in the area, in place of earlier ones: after each viewport, and if the client was too slow',
    content: { name: 'LiveFrame', schema: LiveFrame },
    isInStream: true,
  },
  frame: {
    summary: 'Changes in the area since the last snapshot or frame, once per tick',
    content: { name: 'LiveFrame', schema: LiveFrame },
    isInStream: true,
  },
  binary: {
    summary: 'Instead of snapshots and frames, to clients that connect with `auth.binary`',
    content: { name: 'BinaryFrame', schema: BinaryFrame },
  },
  vehicle: {
    summary: 'The watched vehicle, after each change',
    content: { name: 'VehicleDetail', schema: VehicleDetail },
    isInStream: true,
  },
  status: {
    summary: 'Whether the service follows the log: on connection, and after each change',
    content: { name: 'ServiceStatus', schema: ServiceStatus },
    isInStream: true,
  },
  alerts: {
    summary: 'Numbers of alerts that are not cleared: on connection, and after each change',
    content: { name: 'AlertNumbers', schema: AlertNumbers },
  },
  refused: {
    summary: 'A message of the client had no effect',
    content: { name: 'Refusal', schema: refusalOf(refusable) },
    isInStream: true,
  },
  historySnapshot: {
    summary: 'All vehicles in the area of the session at the moment',
    content: { name: 'HistoryFrame', schema: HistoryFrame },
  },
  historyFrame: {
    summary: 'Changes since the last snapshot or frame of the session',
    content: { name: 'HistoryFrame', schema: HistoryFrame },
  },
  historyVehicle: {
    summary: 'The watched vehicle at the moment; null if it had sent nothing by then',
    content: { name: 'PastVehicleDetail', schema: PastVehicleDetail },
  },
  historyStatus: {
    summary: 'The moment and whether it moves, or why the session has ended',
    content: { name: 'HistoryStatus', schema: HistoryStatus },
  },
} as const satisfies Readonly<Record<keyof ServerToClient, LiveMessage>>;
