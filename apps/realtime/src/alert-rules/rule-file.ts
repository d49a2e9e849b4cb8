import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  severities,
  vehicleStates,
  ZONE_ID_PATTERN,
  Uuid,
  type RuleKind,
  type Severity,
} from '@hailstream/events';
import { ConfigFileError, fileIssues, parseDuration } from '@hailstream/service/config';
import Type from 'typebox';
import type * as Values from 'typebox/value';
import type * as Yaml from 'yaml';

/** What reads a file is loaded when there is one: it takes some per cent of a start. */
const require = createRequire(import.meta.url);

/** Maximum number of rules of a file. */
const MAX_RULES = 200;

const Duration = Type.String({
  pattern: '^[0-9]{1,9}(ms|s|m|h)$',
  description: 'a duration such as 30s, 10m or 2h',
});
const ZoneId = Type.String({ pattern: ZONE_ID_PATTERN });

/** What rules of every kind have. */
const common = {
  id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'an id of a-z, 0-9 and "-"' }),
  severity: Type.Enum<Severity[]>([...severities], { default: 'warning' }),
  /** Only vehicles, requests and feeds of this provider. @default all of them */
  provider: Type.Optional(Uuid),
  /** How long it must hold, without a pause, before an alert is raised. */
  for: Type.Unsafe<string>({ ...Duration, default: '0s' }),
  /** How long it must not hold before the alert is cleared. */
  clearAfter: Type.Unsafe<string>({ ...Duration, default: '30s' }),
  /** Further alerts of a minute are one alert that says how many there are. */
  maxPerMinute: Type.Integer({ minimum: 1, maximum: 1_000, default: 10 }),
};

function ruleOf<const P extends Type.TProperties>(properties: P) {
  return Type.Object({ ...common, ...properties }, { additionalProperties: false });
}

const ruleSchemas = {
  /** A vehicle has sent nothing for `longerThan`. */
  'vehicle-silent': ruleOf({
    kind: Type.Literal('vehicle-silent'),
    longerThan: Duration,
    states: Type.Optional(Type.Array(Type.Enum([...vehicleStates]), { minItems: 1, uniqueItems: true })),
  }),
  'zone-entered': ruleOf({ kind: Type.Literal('zone-entered'), zone: ZoneId }),
  'zone-left': ruleOf({ kind: Type.Literal('zone-left'), zone: ZoneId }),
  /** A vehicle has been in a zone for `longerThan`. */
  'zone-dwell': ruleOf({ kind: Type.Literal('zone-dwell'), zone: ZoneId, longerThan: Duration }),
  /** At least `riders` have waited for at least `waitingFor`, in the city or in a zone. */
  'riders-waiting': ruleOf({
    kind: Type.Literal('riders-waiting'),
    zone: Type.Optional(ZoneId),
    riders: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 }),
    waitingFor: Type.Unsafe<string>({ ...Duration, default: '0s' }),
    /** Once raised, it holds until fewer riders than this wait. @default `riders` */
    clearBelow: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  }),
  /** The newest event of a provider is older than `longerThan`. */
  'feed-lag': ruleOf({ kind: Type.Literal('feed-lag'), longerThan: Duration }),
  /** A vehicle is faster than `fasterThan`, in metres per second, for `longerThan`. */
  speeding: ruleOf({
    kind: Type.Literal('speeding'),
    fasterThan: Type.Number({ exclusiveMinimum: 0, maximum: 1_000 }),
    longerThan: Type.Unsafe<string>({ ...Duration, default: '0s' }),
  }),
} as const;

type DurationField = 'for' | 'clearAfter' | 'longerThan' | 'waitingFor';

/** A rule as it is used: durations are in milliseconds. */
type Parsed<R> = {
  readonly [Name in keyof R]: Name extends DurationField ? number : R[Name];
};

type Rules = { readonly [K in RuleKind]: Parsed<Type.Static<(typeof ruleSchemas)[K]>> };
export type RuleOf<K extends RuleKind> = Rules[K];
export type AlertRule = Rules[RuleKind];

const RuleFile = Type.Object(
  {
    rules: Type.Array(Type.Object({ kind: Type.Enum(Object.keys(ruleSchemas)) }), {
      minItems: 1,
      maxItems: MAX_RULES,
    }),
  },
  { additionalProperties: false },
);

/** The alert rules cannot be read, or are not valid. Each line of the message names one place. */
export class RuleFileError extends ConfigFileError {
  override readonly name = 'RuleFileError';
  readonly code = 'RULE_FILE';
}

/**
 * Reads the alert rules from a YAML or JSON file.
 *
 * @throws RuleFileError if the file cannot be read or is not valid
 */
export function readRuleFile(path: string): readonly AlertRule[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RuleFileError(`${path}: ${reason}`, { cause: error });
  }
  return parseRuleFile(text, path);
}

/** Parses the text of a rule file; `path` names it in messages. @throws RuleFileError if it is not valid */
export function parseRuleFile(text: string, path: string): readonly AlertRule[] {
  const fail = (issues: readonly string[]): never => {
    throw new RuleFileError(issues.map((issue) => `${path}: ${issue}`).join('\n'));
  };
  const { parseDocument } = require('yaml') as typeof Yaml;
  const { Default } = require('typebox/value') as typeof Values;
  const document = parseDocument(text);
  const [syntaxError] = document.errors;
  if (syntaxError) fail([syntaxError.message.split('\n')[0]!]);
  const file: unknown = document.toJS() ?? {};
  const issues = fileIssues(RuleFile, file, '');
  if (issues.length > 0) fail(issues);
  const { rules } = file as Type.Static<typeof RuleFile>;
  const ruleIssues: string[] = [];
  const parsed = rules.map((given, index) => {
    const schema = ruleSchemas[given.kind as RuleKind];
    const rule: unknown = Default(schema, given);
    ruleIssues.push(...fileIssues(schema, rule, `/rules/${index}`));
    return withMilliseconds(rule as Readonly<Record<string, unknown>>);
  });
  if (ruleIssues.length > 0) fail(ruleIssues);
  const ids = parsed.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) fail([`rules: two rules have the id "${repeated}"`]);
  for (const [index, rule] of parsed.entries()) {
    if (rule.kind === 'riders-waiting' && rule.clearBelow !== undefined && rule.clearBelow > rule.riders) {
      fail([`rules[${index}].clearBelow: expected at most riders, ${rule.riders}, got ${rule.clearBelow}`]);
    }
  }
  return parsed;
}

const durationFields: readonly DurationField[] = ['for', 'clearAfter', 'longerThan', 'waitingFor'];

function withMilliseconds(rule: Readonly<Record<string, unknown>>): AlertRule {
  const durations = durationFields.flatMap((field) =>
    typeof rule[field] === 'string' ? [[field, parseDuration(rule[field]) ?? 0]] : [],
  );
  return { ...rule, ...Object.fromEntries(durations) } as AlertRule;
}
