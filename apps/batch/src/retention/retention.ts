import { isUuid } from '@hailstream/service/uuid';
import { dayOf, type Day } from '../rows/day.js';

/** A table whose rows can expire. */
export interface ExpiringTable {
  readonly name: string;
  /** The time that the age of a row is counted from. */
  readonly timeColumn: string;
  /** Whether it is partitioned by that time. Otherwise rows are deleted. */
  readonly isPartitioned: boolean;
  /** Whether rows belong to a provider, so that it can have a rule. */
  readonly hasProvider: boolean;
}

/** How long the rows of a table are kept. */
interface RetentionRule {
  readonly table: string;
  /** `null`: the providers that have no rule of their own. */
  readonly providerId: string | null;
  /** Whole days that are kept in addition to today; `Infinity` if rows are kept forever. */
  readonly days: number;
}

/** The day before which rows expire. */
export interface Cutoff {
  readonly table: string;
  readonly providerId: string | null;
  /** First day that is kept; `-Infinity` if every day is. */
  readonly day: Day;
}

/** Describes what {@link parseRetention} accepts. */
export const RETENTION_EXPECTED =
  'TABLE=AGE or TABLE/PROVIDER_UUID=AGE, separated by commas, AGE such as 90d, 26w, 5y or forever: ' +
  '"telemetry=90d,trips=5y,telemetry/2411d395-04f2-47c9-ab66-d09e9e3c3251=30d"';

const DAYS_PER_UNIT = { d: 1, w: 7, y: 365 };
const MAX_DAYS = 36_500;

/** Which rows expire, and when. Ages are counted in UTC days, so that an event is kept for at least its age. */
export class Retention {
  private readonly byTable = new Map<string, RetentionRule[]>();

  constructor(readonly rules: readonly RetentionRule[]) {
    for (const rule of rules) {
      this.byTable.set(rule.table, [...(this.byTable.get(rule.table) ?? []), rule]);
    }
  }

  /** The cutoffs of the rules of a table. */
  cutoffs(table: string, nowMs: number): Cutoff[] {
    return (this.byTable.get(table) ?? []).map(({ providerId, days }) => ({
      table,
      providerId,
      day: dayOf(nowMs) - days,
    }));
  }

  /** First day of which the table keeps a row of any provider: older partitions can be dropped. */
  firstKeptDay(table: string, nowMs: number): Day {
    const cutoffs = this.cutoffs(table, nowMs);
    if (!cutoffs.some(({ providerId }) => providerId === null)) return -Infinity;
    return Math.min(...cutoffs.map(({ day }) => day));
  }

  /** Returns a function that tells whether an event of a provider is expired; `undefined` if no event of the table expires. */
  expiry(table: string, nowMs: number): ((providerId: string, timeMs: number) => boolean) | undefined {
    const cutoffs = new Map(this.cutoffs(table, nowMs).map(({ providerId, day }) => [providerId, day]));
    if (cutoffs.size === 0) return undefined;
    const others = cutoffs.get(null) ?? -Infinity;
    return (providerId, timeMs) => dayOf(timeMs) < (cutoffs.get(providerId) ?? others);
  }
}

/** Parses `BATCH_RETENTION`. Returns the problem as a text if it is not valid. */
export function parseRetention(text: string, tables: readonly ExpiringTable[]): Retention | string {
  const rules: RetentionRule[] = [];
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const rule = parseRule(part.trim(), tables);
    if (typeof rule === 'string') return rule;
    const key = `${rule.table}/${rule.providerId ?? ''}`;
    if (seen.has(key)) return `${part.trim()}: there is already a rule for ${key.replace(/\/$/, '')}`;
    seen.add(key);
    rules.push(rule);
  }
  return new Retention(rules);
}

function parseRule(part: string, tables: readonly ExpiringTable[]): RetentionRule | string {
  const [target = '', age, ...rest] = part.split('=').map((each) => each.trim());
  const [name = '', provider, ...more] = target.split('/');
  if (age === undefined || rest.length > 0 || more.length > 0) return `${part}: not TABLE=AGE`;
  const table = tables.find((each) => each.name === name);
  if (table === undefined) {
    return `${part}: no such table, expected ${tables.map((each) => each.name).join(', ')}`;
  }
  if (provider !== undefined && !isUuid(provider)) return `${part}: the provider is not a UUID`;
  if (provider !== undefined && !table.hasProvider) return `${part}: rows of ${name} have no provider`;
  const days = parseAge(age);
  if (days === undefined) return `${part}: not an age from 1d to ${MAX_DAYS}d, or forever`;
  return { table: name, providerId: provider?.toLowerCase() ?? null, days };
}

function parseAge(text: string): number | undefined {
  if (text === 'forever') return Infinity;
  const match = /^(\d{1,6})([dwy])$/.exec(text);
  if (match === null) return undefined;
  const days = Number(match[1]) * DAYS_PER_UNIT[match[2] as keyof typeof DAYS_PER_UNIT];
  return days >= 1 && days <= MAX_DAYS ? days : undefined;
}
