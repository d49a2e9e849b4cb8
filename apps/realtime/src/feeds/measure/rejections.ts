import { AUDIT_INTERVAL_MS, MAX_REASONS, type AuditRecord } from '@hailstream/events/audit';

/** Minutes that are kept. */
const MINUTES = 61;

/** Maximum number of processes and topics that are counted in one minute. */
const MAX_SOURCES = 64;

/** What ingest received of a provider. */
export interface Received {
  readonly accepted: number;
  readonly rejected: ReadonlyMap<string, number>;
}

interface Source {
  accepted: number;
  readonly rejected: Map<string, number>;
}

/**
 * Counts of accepted and rejected items of one provider by minute, from audit records. Counts of one process only grow, so the
 * highest one of repeated records counts: the result does not depend on the order.
 */
export class Rejections {
  private readonly minutes = new Map<number, Map<string, Source>>();

  note({ minute, process_id: process, topic, accepted, rejected }: AuditRecord): void {
    const newest = Math.max(minute, ...this.minutes.keys());
    if (minute <= newest - MINUTES * AUDIT_INTERVAL_MS) return;
    for (const known of this.minutes.keys()) {
      if (known <= newest - MINUTES * AUDIT_INTERVAL_MS) this.minutes.delete(known);
    }
    const sources = this.minutes.get(minute) ?? new Map<string, Source>();
    this.minutes.set(minute, sources);
    const key = `${process}/${topic}`;
    const source = sources.get(key) ?? { accepted: 0, rejected: new Map<string, number>() };
    if (!sources.has(key)) {
      if (sources.size >= MAX_SOURCES) return;
      sources.set(key, source);
    }
    source.accepted = Math.max(source.accepted, accepted);
    for (const { reason, count } of rejected) {
      if (!source.rejected.has(reason) && source.rejected.size >= MAX_REASONS) continue;
      source.rejected.set(reason, Math.max(source.rejected.get(reason) ?? 0, count));
    }
  }

  /** What was received in the minutes that overlap the time from `from` to `to`. */
  between(from: number, to: number): Received {
    let accepted = 0;
    const rejected = new Map<string, number>();
    for (const [minute, sources] of this.minutes) {
      if (minute + AUDIT_INTERVAL_MS <= from || minute > to) continue;
      for (const source of sources.values()) {
        accepted += source.accepted;
        for (const [reason, count] of source.rejected)
          rejected.set(reason, (rejected.get(reason) ?? 0) + count);
      }
    }
    return { accepted, rejected };
  }

  /** The start of the last minute with items; `null` without any. */
  get newestMinute(): number | null {
    return this.minutes.size === 0 ? null : Math.max(...this.minutes.keys());
  }
}
