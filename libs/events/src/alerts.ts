import Type from 'typebox';
import { AlertValues, type AlertSentenceCode } from './alert-sentences.js';
import { Timestamp, Uuid } from './schema/primitives.js';
import { compileValidator } from './schema/validation.js';

export { alertSentences, type AlertSentenceCode, type AlertSummary } from './alert-sentences.js';

/** From the least to the most severe. */
export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

export const alertStates = ['open', 'acknowledged', 'cleared'] as const;
export type AlertState = (typeof alertStates)[number];

/** What rules watch. */
const ruleKinds = [
  'vehicle-silent',
  'zone-entered',
  'zone-left',
  'zone-dwell',
  'riders-waiting',
  'feed-lag',
  'speeding',
] as const;
export type RuleKind = (typeof ruleKinds)[number];

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/**
 * An alert as of a change of it. Each change is one record with all fields, so the newest record of a key is the alert, and
 * `alert_id` with `change` identifies a record: consumers skip repeats. Consumers ignore fields that they do not know, so that a
 * later version may add some.
 */
export const AlertRecord = Type.Object({
  alert_id: Uuid,
  /** What happened: `updated` has further subjects of an alert that stands for several. */
  change: Type.Enum<('raised' | 'updated' | 'acknowledged' | 'cleared')[]>([
    'raised',
    'updated',
    'acknowledged',
    'cleared',
  ]),
  changed_at: Timestamp,
  state: Type.Enum<AlertState[]>([...alertStates]),
  rule_id: Type.String({ minLength: 1, maxLength: 63 }),
  rule_kind: Type.Enum<RuleKind[]>([...ruleKinds]),
  severity: Type.Enum<Severity[]>([...severities]),
  /** Whose vehicles or requests it is about; `null`: of all providers, and only who may see all of them sees it. */
  provider_id: orNull(Uuid),
  /** `rule`: all further subjects of the rule, beyond its `maxPerMinute`. */
  subject: Type.Object({
    kind: Type.Enum<('vehicle' | 'zone' | 'city' | 'provider' | 'rule')[]>([
      'vehicle',
      'zone',
      'city',
      'provider',
      'rule',
    ]),
    device_id: orNull(Uuid),
    zone_id: orNull(Type.String({ maxLength: 63 })),
  }),
  /** One sentence for a person. */
  summary: Type.String({ minLength: 1, maxLength: 500 }),
  /** The code and the values of `summary`, for sentences in other languages; earlier versions did not write it. */
  summary_parts: Type.Optional(Type.Object({ code: Type.String({ maxLength: 63 }), values: AlertValues })),
  /** Where it was raised. */
  location: orNull(
    Type.Object({
      lat: Type.Number({ minimum: -90, maximum: 90 }),
      lng: Type.Number({ minimum: -180, maximum: 180 }),
    }),
  ),
  /** Event time of what started it. */
  started_at: Timestamp,
  raised_at: Timestamp,
  acknowledged_at: orNull(Timestamp),
  /** The name in the token; `null` if the token has none. */
  acknowledged_by: orNull(Type.String({ maxLength: 100 })),
  cleared_at: orNull(Timestamp),
  /** Subjects that it stands for: 1, or those beyond the limit of a rule. */
  subjects: Type.Integer({ minimum: 1 }),
});
export type AlertRecord = Type.Static<typeof AlertRecord>;

/** An alert: its newest record, without the change. */
export type Alert = Omit<AlertRecord, 'change'>;

export const alertValidator = compileValidator(AlertRecord);

/** A valid record, for documentation. */
export const alertExample: AlertRecord = {
  alert_id: '5b0c7c1e-92e4-8d3f-9a47-2f6d3c1b8a90',
  change: 'raised',
  changed_at: 1_750_320_630_000,
  state: 'open',
  rule_id: 'station-queue',
  rule_kind: 'riders-waiting',
  severity: 'critical',
  provider_id: null,
  subject: { kind: 'zone', device_id: null, zone_id: 'station' },
  summary: '12 riders have waited for at least 10 min in Station',
  summary_parts: {
    code: 'riders-waiting-for-in-zone' satisfies AlertSentenceCode,
    values: { riders: 12, limitMs: 600_000, zone: 'Station' },
  },
  location: { lat: 43.7384, lng: 7.4195 },
  started_at: 1_750_320_000_000,
  raised_at: 1_750_320_630_000,
  acknowledged_at: null,
  acknowledged_by: null,
  cleared_at: null,
  subjects: 1,
};

/** Alerts that are not cleared, by severity, and those of them that are acknowledged. */
export interface AlertCounts {
  readonly open: Readonly<Record<Severity, number>>;
  readonly acknowledged: number;
}

/** Response of `GET /alerts`: the newest first. */
export interface AlertPage {
  readonly asOf: number;
  /** Whether all alerts of the log are included; otherwise the topic is still being read, or cannot be read. */
  readonly isCurrent: boolean;
  /** Whether this token may acknowledge alerts. */
  readonly mayAcknowledge: boolean;
  /** The rules of this process, and what keeps them from being evaluated. */
  readonly rules: { readonly count: number; readonly problems: readonly string[] };
  /** Of this process: whether it evaluates the rules, and alerts that the log has not stored yet. */
  readonly publication: {
    readonly isLeader: boolean;
    readonly waiting: number;
    readonly failure: string | null;
  };
  readonly counts: AlertCounts;
  /** Alerts that match the filter. */
  readonly total: number;
  readonly alerts: readonly Alert[];
  /** The `cursor` of the next page; `null` if this is the last one. */
  readonly next: string | null;
}
