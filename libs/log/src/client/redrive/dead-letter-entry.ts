import type { DeadLetterOrigin, OmittedContent } from '../dead-letter/dead-letter.js';
import type { LogRecord } from '../record/record.js';
import { redriveCountOf } from './redrive-record.js';

/** Maximum length of a pattern, in characters. */
const PATTERN_CHARS = 200;

/** A dead letter without the content of its record. Topic, partition and offset are those of the record. */
export interface DeadLetterEntry extends Omit<DeadLetterOrigin, 'headers'> {
  /** The reason without what differs between records that fail for the same one: quoted texts, numbers and ids. */
  readonly pattern: string;
  readonly omittedValue: OmittedContent | undefined;
  readonly omittedKey: OmittedContent | undefined;
  /** How often the record had been redriven before. */
  readonly redrives: number;
  /** Whose record it is, as the reader of the topic determined; `undefined` if it is unknown. */
  readonly owner: string | undefined;
  /** Where the dead-letter topic has it; if it was written several times, for the last time. */
  readonly place: { readonly partition: number; readonly offset: bigint };
  /** When it was written for the first and for the last time, in milliseconds. */
  readonly firstWrittenMs: number;
  readonly lastWrittenMs: number;
  /** When it was redriven, in milliseconds. */
  readonly redrivenMs: number | undefined;
}

/** Selects dead letters. All conditions must be met; those that are not set are. */
export interface DeadLetterFilter {
  readonly groupId?: string | undefined;
  /** Topic of the record. */
  readonly topic?: string | undefined;
  /** A text that the reason or its pattern contains. */
  readonly reason?: string | undefined;
  /** Written for the last time at this time or later, in milliseconds. */
  readonly sinceMs?: number | undefined;
  /** Written for the first time before this time, in milliseconds. */
  readonly untilMs?: number | undefined;
  readonly owner?: string | undefined;
  /** @default false */
  readonly includesRedriven?: boolean | undefined;
}

/** Dead letters of one consumer group and topic with the same reason. */
export interface DeadLetterGroup {
  readonly groupId: string;
  readonly topic: string;
  /** The pattern of their reasons. */
  readonly pattern: string;
  /** The reason of the latest one. */
  readonly reason: string;
  readonly count: number;
  /** How many of them were redriven. */
  readonly redriven: number;
  readonly firstWrittenMs: number;
  readonly lastWrittenMs: number;
}

/** The entry of a dead letter that was read for the first time. */
export function toEntry(
  origin: DeadLetterOrigin,
  record: LogRecord,
  { partition, owner }: { readonly partition: number; readonly owner: string | undefined },
): DeadLetterEntry {
  const { headers, ...rest } = origin;
  return {
    ...rest,
    pattern: patternOf(reasonOf(origin)),
    redrives: redriveCountOf(headers),
    owner,
    place: { partition, offset: record.offset },
    firstWrittenMs: record.timestampMs,
    lastWrittenMs: record.timestampMs,
    redrivenMs: undefined,
  };
}

/** The dead letters that match a filter: those written last first. */
export function selectDeadLetters(
  entries: Iterable<DeadLetterEntry>,
  filter: DeadLetterFilter,
): DeadLetterEntry[] {
  return [...entries]
    .filter((entry) => matchesFilter(entry, filter))
    .toSorted((one, other) => other.lastWrittenMs - one.lastWrittenMs || (one.id < other.id ? -1 : 1));
}

export function matchesFilter(entry: DeadLetterEntry, filter: DeadLetterFilter): boolean {
  const { groupId, topic, reason, sinceMs, untilMs, owner, includesRedriven = false } = filter;
  return (
    (includesRedriven || entry.redrivenMs === undefined) &&
    (groupId === undefined || entry.groupId === groupId) &&
    (topic === undefined || entry.topic === topic) &&
    (owner === undefined || entry.owner === owner) &&
    (sinceMs === undefined || entry.lastWrittenMs >= sinceMs) &&
    (untilMs === undefined || entry.firstWrittenMs < untilMs) &&
    (reason === undefined || reasonOf(entry).includes(reason) || entry.pattern.includes(reason))
  );
}

/** Groups dead letters by consumer group, topic and pattern of the reason; those with the latest one first. */
export function groupDeadLetters(entries: Iterable<DeadLetterEntry>): DeadLetterGroup[] {
  const groups = new Map<string, DeadLetterGroup>();
  for (const entry of entries) {
    const { groupId, topic, pattern, firstWrittenMs, lastWrittenMs } = entry;
    const redriven = entry.redrivenMs === undefined ? 0 : 1;
    const reason = reasonOf(entry);
    const key = JSON.stringify([groupId, topic, pattern]);
    const known = groups.get(key);
    const isLatest = known === undefined || lastWrittenMs >= known.lastWrittenMs;
    groups.set(key, {
      groupId,
      topic,
      pattern,
      reason: isLatest ? reason : known.reason,
      count: (known?.count ?? 0) + 1,
      redriven: (known?.redriven ?? 0) + redriven,
      firstWrittenMs: Math.min(known?.firstWrittenMs ?? firstWrittenMs, firstWrittenMs),
      lastWrittenMs: Math.max(known?.lastWrittenMs ?? lastWrittenMs, lastWrittenMs),
    });
  }
  return [...groups.values()].toSorted((one, other) => other.lastWrittenMs - one.lastWrittenMs);
}

/** Why a record became a dead letter; empty if the dead letter had no space for it. */
export function reasonOf({ error, errorName }: Pick<DeadLetterEntry, 'error' | 'errorName'>): string {
  return error || errorName;
}

function patternOf(reason: string): string {
  return reason
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/'[^'\s]{0,40}'/g, "'…'")
    .replaceAll(/[\w-]+/g, (word) => (/^[\da-f-]*$/i.test(word) && /\d/.test(word) ? '#' : word))
    .slice(0, PATTERN_CHARS);
}
