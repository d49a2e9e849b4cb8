import type { Alert, AlertCounts, AlertRecord } from '@hailstream/events';
import type { ProviderFilter } from '../fold/city-state.js';

/** Maximum number of alerts in memory, about 1 KB each: beyond it, those that were cleared first are dropped. */
const MAX_ALERTS = 10_000;

/** The alerts of the topic. */
export class AlertStore {
  private readonly alerts = new Map<string, Alert>();
  /** Alerts that are not cleared, by rule and subject. */
  private readonly open = new Map<string, Map<string, Alert>>();

  /**
   * Applies a record. The first record of each change counts: repeats, and an acknowledgement of an alert that is acknowledged
   * already, change nothing. Returns the alert if it changed.
   */
  apply(record: AlertRecord): Alert | null {
    const known = this.alerts.get(record.alert_id);
    const alert = known === undefined ? withoutChange(record) : merge(known, record);
    if (alert === known) return null;
    this.set(alert);
    return alert;
  }

  get(alertId: string): Alert | undefined {
    return this.alerts.get(alertId);
  }

  get size(): number {
    return this.alerts.size;
  }

  /** Alerts of a rule that are not cleared, by {@link subjectKey}. */
  openOf(ruleId: string): ReadonlyMap<string, Alert> {
    return this.open.get(ruleId) ?? new Map();
  }

  /** The rules that have alerts which are not cleared. */
  get openRules(): readonly string[] {
    return [...this.open.keys()];
  }

  /** All that a token with this filter may see, those that were raised last first. */
  list(filter: ProviderFilter): Alert[] {
    return [...this.alerts.values()]
      .filter((alert) => isVisible(alert, filter))
      .sort((one, other) => other.raised_at - one.raised_at || (one.alert_id < other.alert_id ? 1 : -1));
  }

  counts(filter: ProviderFilter): AlertCounts {
    const open = { info: 0, warning: 0, critical: 0 };
    let acknowledged = 0;
    for (const alerts of this.open.values()) {
      for (const alert of alerts.values()) {
        if (!isVisible(alert, filter)) continue;
        if (alert.state === 'open') open[alert.severity] += 1;
        else acknowledged += 1;
      }
    }
    return { open, acknowledged };
  }

  /** When an alert that a token with this filter may see changed last; 0 without alerts. */
  changedAt(filter: ProviderFilter): number {
    let newest = 0;
    for (const alert of this.alerts.values()) {
      if (isVisible(alert, filter)) newest = Math.max(newest, alert.changed_at);
    }
    return newest;
  }

  /** The topic was replaced by another one. */
  clear(): void {
    this.alerts.clear();
    this.open.clear();
  }

  private set(alert: Alert): void {
    this.alerts.set(alert.alert_id, alert);
    const { rule_id: ruleId, state } = alert;
    const ofRule = this.open.get(ruleId) ?? new Map<string, Alert>();
    const key = subjectKey(alert);
    if (state !== 'cleared') this.open.set(ruleId, ofRule.set(key, alert));
    else if (ofRule.get(key)?.alert_id === alert.alert_id) ofRule.delete(key);
    if (ofRule.size === 0) this.open.delete(ruleId);
    if (this.alerts.size > MAX_ALERTS) this.dropOldest();
  }

  private dropOldest(): void {
    for (const [id, { state }] of this.alerts) {
      if (state !== 'cleared') continue;
      this.alerts.delete(id);
      return;
    }
  }
}

/** Identifies what an alert is about, within its rule. */
export function subjectKey({
  subject,
  provider_id: providerId,
}: Pick<Alert, 'subject' | 'provider_id'>): string {
  return [subject.kind, providerId ?? '', subject.device_id ?? '', subject.zone_id ?? ''].join('/');
}

/** Whether a token sees an alert: one of its provider, or any if it is not limited to one. */
export function isVisible({ provider_id: providerId }: Alert, filter: ProviderFilter): boolean {
  return filter === null || providerId === filter;
}

function withoutChange({ change: _, ...alert }: AlertRecord): Alert {
  return alert;
}

/** The known alert if the record changes nothing. */
function merge(known: Alert, record: AlertRecord): Alert {
  const { changed_at: changedAt } = record;
  switch (record.change) {
    case 'raised':
      return known;
    case 'updated':
      if (known.state === 'cleared' || record.subjects <= known.subjects) return known;
      return {
        ...known,
        summary: record.summary,
        ...(record.summary_parts !== undefined && { summary_parts: record.summary_parts }),
        subjects: record.subjects,
        changed_at: changedAt,
      };
    case 'acknowledged': {
      if (known.acknowledged_at !== null) return known;
      const { acknowledged_at, acknowledged_by } = record;
      const state = known.state === 'open' ? 'acknowledged' : known.state;
      return { ...known, state, acknowledged_at, acknowledged_by, changed_at: changedAt };
    }
    case 'cleared':
      if (known.state === 'cleared') return known;
      return { ...known, state: 'cleared', cleared_at: record.cleared_at, changed_at: changedAt };
  }
}
