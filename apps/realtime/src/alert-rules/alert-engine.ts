import { EARLIEST_TIMESTAMP_MS, type Alert, type AlertRecord, type AlertSummary } from '@hailstream/events';
import { alertId } from './alert-id.js';
import { subjectKey, type AlertStore } from './alert-store.js';
import { summaryFields } from './alert-summary.js';
import { conditionsOf, type CityReader, type Condition } from './conditions.js';
import type { AlertRule } from './rule-file.js';

const MINUTE_MS = 60_000;

/** How often the number of further subjects of a rule is published. */
const UPDATE_EVERY_MS = MINUTE_MS;

/** What is remembered of a rule between two evaluations. */
interface RuleMemory {
  /** Since when subjects without an alert have held. */
  readonly holdsSince: Map<string, number>;
  /** Since when subjects with an alert have not held. */
  readonly endedSince: Map<string, number>;
  /** When alerts were raised, within the last minute. */
  raisedAt: number[];
}

/**
 * Compares what holds with the alerts of the topic, and decides what to raise and to clear. A condition is raised once: while
 * its subject has an alert that is not cleared, and while its id is known, nothing is raised for it.
 */
export class AlertEngine {
  private readonly memories = new Map<string, RuleMemory>();
  /** Changes that are decided and not in the store yet, by alert. */
  private readonly decided = new Map<string, Alert>();

  constructor(
    private readonly rules: readonly AlertRule[],
    private readonly store: AlertStore,
  ) {}

  /** What changes at `city.now`. Each is returned once; it is to be written until it is in the store, or {@link forget} is called. */
  evaluate(city: CityReader): AlertRecord[] {
    for (const [id, alert] of this.decided) {
      const stored = this.store.get(id);
      const isStored = alert.state === 'cleared' ? stored?.state === 'cleared' : stored !== undefined;
      if (isStored && (stored?.subjects ?? 0) >= alert.subjects) this.decided.delete(id);
    }
    const records = this.rules.flatMap((rule) => this.evaluateRule(rule, city));
    const known = new Set(this.rules.map(({ id }) => id));
    for (const ruleId of this.store.openRules) {
      if (known.has(ruleId)) continue;
      for (const alert of this.openOf(ruleId).values()) records.push(this.decide('cleared', alert, city.now));
    }
    return records;
  }

  /** Drops what was decided and not written: another process decides from now on. */
  forget(): void {
    this.decided.clear();
    this.memories.clear();
  }

  private evaluateRule(rule: AlertRule, city: CityReader): AlertRecord[] {
    const { now } = city;
    const memory = this.memoryOf(rule.id);
    const open = this.openOf(rule.id);
    const holding = new Map<string, Condition>();
    const due: Condition[] = [];
    for (const condition of conditionsOf(rule, city, open.size > 0)) {
      const key = subjectKey(condition);
      holding.set(key, condition);
      if (open.has(key) || condition.isContinuation) continue;
      const since = memory.holdsSince.get(key) ?? now;
      memory.holdsSince.set(key, since);
      if (now - since >= rule.for && !this.isKnown(rule, condition)) due.push(condition);
    }
    for (const key of memory.holdsSince.keys()) {
      if (!holding.has(key) || open.has(key)) memory.holdsSince.delete(key);
    }
    return [
      ...this.clear(rule, { memory, open, holding, now }),
      ...this.raise(rule, due, { memory, open, now }),
    ];
  }

  private clear(
    rule: AlertRule,
    of: {
      readonly memory: RuleMemory;
      readonly open: ReadonlyMap<string, Alert>;
      readonly holding: ReadonlyMap<string, Condition>;
      readonly now: number;
    },
  ): AlertRecord[] {
    const { memory, open, holding, now } = of;
    const records: AlertRecord[] = [];
    for (const [key, alert] of open) {
      const isHolding = alert.subject.kind === 'rule' ? hasFurther(alert, holding, open) : holding.has(key);
      if (isHolding) {
        memory.endedSince.delete(key);
        continue;
      }
      const since = memory.endedSince.get(key) ?? now;
      memory.endedSince.set(key, since);
      if (now - since < rule.clearAfter) continue;
      memory.endedSince.delete(key);
      records.push(this.decide('cleared', alert, now));
    }
    return records;
  }

  /** Raises alerts up to the rule's limit; for all further subjects, one that says how many there are. */
  private raise(
    rule: AlertRule,
    due: readonly Condition[],
    of: { readonly memory: RuleMemory; readonly open: ReadonlyMap<string, Alert>; readonly now: number },
  ): AlertRecord[] {
    const { memory, open, now } = of;
    memory.raisedAt = memory.raisedAt.filter((at) => now - at < MINUTE_MS);
    const further = [...open.values()].find(({ subject }) => subject.kind === 'rule');
    const room = further === undefined ? rule.maxPerMinute - memory.raisedAt.length : 0;
    const single = due.slice(0, Math.max(0, room));
    const rest = due.slice(single.length);
    const records = single.map((condition) => {
      memory.raisedAt.push(now);
      return this.decide('raised', newAlert(rule, condition, now), now);
    });
    if (rest.length === 0) return records;
    const summary: AlertSummary = { code: 'further', values: { rule: rule.id, count: rest.length } };
    if (further === undefined) {
      const subject = { kind: 'rule', device_id: null, zone_id: null } as const;
      const startedAt = Math.min(...rest.map((condition) => condition.startedAt));
      const condition = { provider_id: rule.provider ?? null, subject, summary, location: null, startedAt };
      const alert = newAlert(rule, condition, now);
      // A second flood of the same subjects is another alert.
      const id =
        this.store.get(alert.alert_id) === undefined ? alert.alert_id : alertId(rule.id, 'rule', now);
      records.push(this.decide('raised', { ...alert, alert_id: id, subjects: rest.length }, now));
    } else if (rest.length > further.subjects && now - further.changed_at >= UPDATE_EVERY_MS) {
      records.push(
        this.decide('updated', { ...further, ...summaryFields(summary), subjects: rest.length }, now),
      );
    }
    return records;
  }

  /** Whether this occurrence has an alert already, whatever became of it. */
  private isKnown(rule: AlertRule, condition: Condition): boolean {
    const id = alertId(rule.id, subjectKey(condition), condition.startedAt);
    return this.decided.has(id) || this.store.get(id) !== undefined;
  }

  /** The alerts of a rule that are not cleared, with what was decided and is not in the store yet. */
  private openOf(ruleId: string): ReadonlyMap<string, Alert> {
    const open = new Map(this.store.openOf(ruleId));
    for (const alert of this.decided.values()) {
      if (alert.rule_id !== ruleId) continue;
      const key = subjectKey(alert);
      if (alert.state !== 'cleared') open.set(key, alert);
      else if (open.get(key)?.alert_id === alert.alert_id) open.delete(key);
    }
    return open;
  }

  private decide(change: 'raised' | 'updated' | 'cleared', alert: Alert, now: number): AlertRecord {
    const decided: Alert = {
      ...alert,
      changed_at: now,
      ...(change === 'cleared' && { state: 'cleared', cleared_at: now }),
    };
    this.decided.set(alert.alert_id, decided);
    return { ...decided, change };
  }

  private memoryOf(ruleId: string): RuleMemory {
    let memory = this.memories.get(ruleId);
    if (memory === undefined) {
      memory = { holdsSince: new Map(), endedSince: new Map(), raisedAt: [] };
      this.memories.set(ruleId, memory);
    }
    return memory;
  }
}

/** Whether one of the subjects that the alert stands for may still hold: one that started later, and has no alert of its own. */
function hasFurther(
  alert: Alert,
  holding: ReadonlyMap<string, Condition>,
  open: ReadonlyMap<string, Alert>,
): boolean {
  for (const [key, { startedAt, isContinuation, isUnderWay }] of holding) {
    const counts = isContinuation !== true || isUnderWay === true;
    if (counts && startedAt >= alert.started_at && !open.has(key)) return true;
  }
  return false;
}

function newAlert(rule: AlertRule, condition: Condition, now: number): Alert {
  const { startedAt, provider_id, subject, summary, location } = condition;
  return {
    alert_id: alertId(rule.id, subjectKey(condition), startedAt),
    changed_at: now,
    state: 'open',
    rule_id: rule.id,
    rule_kind: rule.kind,
    severity: rule.severity,
    provider_id,
    subject,
    ...summaryFields(summary),
    location,
    started_at: Math.max(EARLIEST_TIMESTAMP_MS, Math.round(startedAt)),
    raised_at: now,
    acknowledged_at: null,
    acknowledged_by: null,
    cleared_at: null,
    subjects: 1,
  };
}
