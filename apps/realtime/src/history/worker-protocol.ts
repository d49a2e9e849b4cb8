import type {
  DemandMap,
  FleetCount,
  Frame,
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
import type { Erasure } from '../fold/erasures.js';
import type { LateBlock, LateEvent } from '../late-events/late-event.js';
import type { CellRange } from '../live/grid.js';
import type { Chunk } from '../log/log-index.js';
import type { CountedRange } from '../log/unreadable-ranges.js';
import type { ProviderLimits } from '../limits/provider-limits.js';
import type { CallOf, ReplyOf } from '../threads/thread-calls.js';

/*
 * The messages between the service and a worker thread that holds the city at one moment. Requests are answered in order.
 * While it answers, the worker asks where the events that it has to read are, and reports progress.
 */

/** The data of a worker. */
export interface WorkerOptions {
  readonly connection: LogConnection;
  readonly logLevel: string;
  readonly vehicles: ProviderLimits;
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
  /** The provider that is shown, which is that of the token if the token has one. */
  readonly filter: ProviderFilter;
  readonly watched: VehicleRef | null;
  /** Whether all vehicles are returned, or those that changed since the last view. */
  readonly isSnapshot: boolean;
}

export interface ViewResult {
  /** Without the interval to the next frame, which the session knows. */
  readonly frame: Omit<Frame, 'tickMs'>;
  /** The watched vehicle if it changed or a snapshot was requested; `undefined` if it did not. */
  readonly detail: VehicleDetail | null | undefined;
  readonly unreadableRecords: number;
}

/** The answer to a request to `GET /vehicles`. */
interface VehiclesResult {
  readonly list: VehicleList;
  readonly unreadableRecords: number;
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

/** The requests of a worker, with their results. `connect`: to the log. `vehicles`: a request to `GET /vehicles`. `read`: a request of {@link CityReads}. */
export interface WorkerCalls {
  connect: { readonly argument: null; readonly result: null };
  open: { readonly argument: MomentStart; readonly result: null };
  view: { readonly argument: MomentView; readonly result: ViewResult };
  vehicles: { readonly argument: ReadArgument; readonly result: VehiclesResult };
  read: {
    readonly argument: ReadArgument & { readonly name: CityRead };
    readonly result: CityReads[CityRead];
  };
}

export type WorkerCall = CallOf<WorkerCalls>;

/** A block of late events, and its file. */
export type LateBlockFile = Pick<LateBlock, 'earliest' | 'position' | 'sizeBytes'> & {
  readonly file: string;
};

/** What a worker has asked for: where the events of a moment are, and the rate of events at it. */
export interface FoundEvents {
  readonly chunks: readonly Chunk[];
  readonly lateBlocks: readonly LateBlockFile[];
  /** Late events that are not in a block yet. */
  readonly late: readonly LateEvent[];
  readonly eventsPerSecond: number;
  /** Riders and devices that were erased since the worker last asked. */
  readonly erasures: readonly Erasure[];
  /** Records that the fold skipped because they could not be read, received up to the moment. */
  readonly unreadable: readonly CountedRange[];
}

/** The answer to a {@link FindMessage}. */
export type FoundMessage = { readonly kind: 'found' } & FoundEvents;

export type ToWorker = WorkerCall | FoundMessage;

/** Asks where the events of a moment are. */
export interface FindMessage {
  readonly kind: 'find';
  readonly until: number;
  readonly usesLate: boolean;
  /** The provider whose rate of events is returned. */
  readonly filter: ProviderFilter;
  /** Number of erasures that the worker has. */
  readonly erasures: number;
}

/** What a worker sends while it answers. */
export type MomentMessage =
  | FindMessage
  /** The share of the records that are read, from 0 to 1. */
  | { readonly kind: 'progress'; readonly share: number };

export type FromWorker = ReplyOf<WorkerCalls> | MomentMessage;
