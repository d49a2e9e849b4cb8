import { AUDIT_INTERVAL_MS, MAX_REASONS, type AuditRecord } from '@hailstream/events/audit';

/** Maximum number of minutes, topics and providers that are counted at once, about 500 bytes each. */
export const MAX_ENTRIES = 2_000;

/** The log may acknowledge an item after the end of the minute in which it was received. */
const KEPT_MS = 2 * AUDIT_INTERVAL_MS;

interface Entry {
  readonly minute: number;
  readonly topic: string;
  readonly providerId: string;
  accepted: number;
  readonly rejected: Map<string, number>;
  isChanged: boolean;
}

/** What was counted of the items of one request. */
interface Counted {
  readonly topic: string;
  readonly providerId: string;
  readonly receivedAtMs: number;
}

/**
 * Counts accepted and rejected items by minute, topic and provider. Counts are kept until their minute is over and they are
 * written; if there are too many, those of further providers are not counted.
 */
export class AuditCounts {
  private readonly entries = new Map<string, Entry>();
  private uncountedItems = 0;

  constructor(private readonly processId: string) {}

  accept(of: Counted, count: number): void {
    const entry = count > 0 ? this.entryOf(of) : null;
    if (entry === null) {
      this.uncountedItems += count;
      return;
    }
    entry.accepted += count;
    entry.isChanged = true;
  }

  reject(of: Counted, reason: string): void {
    const entry = this.entryOf(of);
    if (entry === null) {
      this.uncountedItems += 1;
      return;
    }
    const { rejected } = entry;
    const counted = rejected.has(reason) || rejected.size < MAX_REASONS - 1 ? reason : 'other';
    rejected.set(counted, (rejected.get(counted) ?? 0) + 1);
    entry.isChanged = true;
  }

  /** Items that were not counted because there were too many providers. */
  get uncounted(): number {
    return this.uncountedItems;
  }

  /** Returns the counts that have changed since they were taken last, as records. Minutes that no item can be added to are then forgotten. */
  take(now: number): AuditRecord[] {
    const records: AuditRecord[] = [];
    for (const [key, entry] of this.entries) {
      if (entry.isChanged) records.push(this.toRecord(entry));
      entry.isChanged = false;
      if (entry.minute + KEPT_MS <= now) this.entries.delete(key);
    }
    return records;
  }

  /** Counts again what was taken but not written. */
  putBack(records: readonly AuditRecord[]): void {
    for (const { topic, provider_id: providerId, minute, accepted, rejected } of records) {
      const key = keyOf({ topic, providerId, minute });
      const current = this.entries.get(key);
      if (current !== undefined) {
        current.isChanged = true;
        continue;
      }
      if (this.entries.size >= MAX_ENTRIES) continue;
      this.entries.set(key, {
        minute,
        topic,
        providerId,
        accepted,
        rejected: new Map(rejected.map(({ reason, count }) => [reason, count])),
        isChanged: true,
      });
    }
  }

  private entryOf({ topic, providerId, receivedAtMs }: Counted): Entry | null {
    const minute = Math.floor(receivedAtMs / AUDIT_INTERVAL_MS) * AUDIT_INTERVAL_MS;
    const key = keyOf({ topic, providerId, minute });
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    if (this.entries.size >= MAX_ENTRIES) return null;
    const entry = {
      minute,
      topic,
      providerId,
      accepted: 0,
      rejected: new Map<string, number>(),
      isChanged: false,
    };
    this.entries.set(key, entry);
    return entry;
  }

  private toRecord({ minute, topic, providerId, accepted, rejected }: Entry): AuditRecord {
    return {
      stage: 'ingest',
      process_id: this.processId,
      minute,
      topic,
      provider_id: providerId,
      accepted,
      rejected: Array.from(rejected, ([reason, count]) => ({ reason, count })),
    };
  }
}

function keyOf({ topic, providerId, minute }: { topic: string; providerId: string; minute: number }): string {
  return `${minute}/${topic}/${providerId}`;
}
