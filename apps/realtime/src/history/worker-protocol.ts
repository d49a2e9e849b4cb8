import type {
  DemandMap,
  FleetCount,
  Frame,
  HistoryCloseCode,
  HistoryOrder,
  Kpis,
  SpeedingList,
  StillnessList,
  VehicleDetail,
  VehicleList,
  VehicleRef,
} from '@hailstream/events/live';
import type { LogConnection } from '@hailstream/log';
import type { ProviderFilter } from '../fold/city-state.js';
import type { CellRange } from '../live/grid.js';
import type { Chunk } from '../log/log-index.js';

/*
 * The messages between the service and a worker thread that holds the city at one moment. Requests are answered in order.
 * While it answers, the worker asks for the chunks of the log that it has to read, and reports progress.
 */

/** The data of a worker. */
export interface WorkerOptions {
  readonly connection: LogConnection;
  readonly logLevel: string;
}

/** Where the city of a moment starts. */
export interface MomentStart {
  readonly by: HistoryOrder;
  readonly filter: ProviderFilter;
  /** The file of the keyframe. */
  readonly file: string;
  readonly topicIds: Readonly<Record<string, string>>;
}

/** What a page shows. */
export interface MomentView {
  readonly at: number;
  readonly range: CellRange;
  readonly watched: VehicleRef | null;
  /** Whether all vehicles are returned, or those that changed since the last view. */
  readonly isSnapshot: boolean;
}

export interface ViewResult {
  /** Without the interval to the next frame, which the session knows. */
  readonly frame: Omit<Frame, 'tickMs'>;
  /** The watched vehicle if it changed or a snapshot was requested; `undefined` if it did not. */
  readonly detail: VehicleDetail | null | undefined;
}

/** What is read of a city. */
export interface CityReads {
  count: FleetCount;
  demand: DemandMap;
  /** Without the events, which are counted by the index of the log. */
  kpis: Kpis;
  speeding: SpeedingList;
  stillness: StillnessList;
}

export type CityRead = keyof CityReads;

/** A request over HTTP: its moment, and its parameters. */
interface ReadArgument {
  readonly at: number;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The requests of a worker, with their results. `vehicles`: a request to `GET /vehicles`. `read`: a request of {@link CityReads}. */
export interface WorkerCalls {
  open: { readonly argument: MomentStart; readonly result: null };
  view: { readonly argument: MomentView; readonly result: ViewResult };
  vehicles: { readonly argument: ReadArgument; readonly result: VehicleList };
  read: {
    readonly argument: ReadArgument & { readonly name: CityRead };
    readonly result: CityReads[CityRead];
  };
}

export type WorkerCall = {
  readonly [Name in keyof WorkerCalls]: {
    readonly kind: Name;
    readonly id: number;
    readonly argument: WorkerCalls[Name]['argument'];
  };
}[keyof WorkerCalls];

/** The chunks that a worker has asked for, and the rate of events at the moment. */
export interface FoundChunks {
  readonly chunks: readonly Chunk[];
  readonly eventsPerSecond: number;
}

export type ToWorker = WorkerCall | ({ readonly kind: 'found' } & FoundChunks);

export type FromWorker =
  | { readonly kind: 'done'; readonly id: number; readonly result: WorkerCalls[keyof WorkerCalls]['result'] }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: HistoryCloseCode;
      readonly field: string | null;
      readonly message: string;
    }
  | { readonly kind: 'find'; readonly until: number }
  /** The share of the records that are read, from 0 to 1. */
  | { readonly kind: 'progress'; readonly share: number };
