import type { EvidenceCode, EvidenceValues } from './feed-evidence.js';
import type { ProblemCode } from './plausibility/problems.js';

export { evidenceSentences, type EvidenceCode, type EvidenceValues } from './feed-evidence.js';

/** How a provider's feed is, as a whole: the worst of its findings. */
export type FeedStatus =
  /** Without findings. */
  | 'healthy'
  /** With a finding that does not affect what is shown or stored: `notice`. */
  | 'notice'
  /** Data is late, incomplete or imprecise: `warning`. */
  | 'warning'
  /** Data is wrong, rejected or missing: `error`. */
  | 'error'
  /** Too few events to judge. */
  | 'unknown';

export type FindingSeverity = 'notice' | 'warning' | 'error';

/** Something that is wrong with a feed. */
export interface FeedFinding {
  readonly finding: ProblemCode;
  readonly title: string;
  readonly severity: FindingSeverity;
  /** The measures that show it, in a sentence. */
  readonly evidence: string;
  /** The code and the values of `evidence`, for sentences in other languages. */
  readonly measured: { readonly code: EvidenceCode; readonly values: EvidenceValues };
  readonly cause: string;
  readonly fix: string;
  /** Since when it has been so, in milliseconds, to the minute; at the earliest, since the feed is measured. */
  readonly since: number;
}

/** The lengths of the windows, by receipt. */
export type FeedWindowName = '1m' | '15m' | '1h';

/** Percentiles of times in milliseconds, accurate to a fifth; `null` without events. */
interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** What was measured in one window. Shares are from 0 to 1; `null` if nothing was measured. */
export interface FeedWindow {
  readonly name: FeedWindowName;
  /** Milliseconds of the window for which the feed was measured. */
  readonly measuredMs: number;
  /** By topic. */
  readonly eventsPerSecond: Readonly<Record<string, number>>;
  readonly events: number;
  /** Time from the event to its receipt; reports of trips are not included. */
  readonly lateness: Percentiles;
  /** Time from `publication_time` to the receipt, of the events that have it. */
  readonly publicationLateness: Percentiles;
  readonly outOfOrderShare: number | null;
  readonly duplicateShare: number | null;
  readonly reusedIdShare: number | null;
  readonly repeatedShare: number | null;
  /** Share of events that were received more than 3 s before they happened. */
  readonly aheadShare: number | null;
  readonly swappedShare: number | null;
  readonly wrongSignShare: number | null;
  readonly zeroPositionShare: number | null;
  /** Median of reported speeds relative to the speeds between positions: 1 for metres per second, 3.6 for km/h. */
  readonly speedRatio: number | null;
  /** Share of the points of moving vehicles whose position has not changed. */
  readonly stuckShare: number | null;
  /** Share of fares that are too low or too high by a factor of 100. */
  readonly fareScaleShare: number | null;
  /** Items that ingest received; from its audit records, in whole minutes. */
  readonly received: number;
  readonly rejectedShare: number | null;
  /** Most frequent first. */
  readonly rejectedByReason: readonly { readonly reason: string; readonly count: number }[];
}

/** The health of one provider's feed. */
export interface FeedHealth {
  readonly provider_id: string;
  readonly status: FeedStatus;
  /** The feed is measured since then; the window may reach further back. */
  readonly measuredSince: number;
  readonly lastReceivedAt: number | null;
  /** Vehicles that have sent positions in the last hour. */
  readonly vehicles: number;
  /** Vehicles in service that should send and do not, and some of their ids. */
  readonly silentVehicles: number;
  readonly silentDeviceIds: readonly string[];
  /** Worst first. */
  readonly findings: readonly FeedFinding[];
  readonly windows: readonly FeedWindow[];
  /** Each minute of the last hour, oldest first; `null` before the feed was measured. */
  readonly minutes: {
    readonly from: number;
    readonly eventsPerSecond: readonly (number | null)[];
    readonly latenessP50: readonly (number | null)[];
    readonly latenessP99: readonly (number | null)[];
    readonly rejectedShare: readonly (number | null)[];
  };
}

/** Response of `GET /feeds`: worst first, then by id. */
export interface FeedList {
  readonly asOf: number;
  /** Providers with events that are not measured, because there are too many providers. */
  readonly unmeasured: boolean;
  /** Audit records that could not be read in the last hour: rejected items of any provider may be missing. */
  readonly unreadableAuditRecords: number;
  readonly feeds: readonly FeedHealth[];
}
