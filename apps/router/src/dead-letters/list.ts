import { deadLetterTopic } from '@hailstream/events';
import {
  groupDeadLetters,
  selectDeadLetters,
  viewDeadLetter,
  viewDeadLetterContent,
  viewDeadLetterGroup,
  type BytesView,
  type DeadLetterFilter,
  type DeadLetterIndex,
} from '@hailstream/log';
import { textTable } from '@hailstream/service/text-table';
import { UnknownDeadLetterError } from './redrive.js';

/** Characters of a reason in a table. */
const REASON_CHARS = 100;

const GROUP_COLUMNS = [
  { heading: 'GROUP' },
  { heading: 'TOPIC' },
  { heading: 'COUNT', isNumber: true },
  { heading: 'REDRIVEN', isNumber: true },
  { heading: 'FIRST' },
  { heading: 'LAST' },
  { heading: 'REASON OF THE LAST' },
];
const LETTER_COLUMNS = [
  { heading: 'LAST' },
  { heading: 'ATTEMPTS', isNumber: true },
  { heading: 'REDRIVES', isNumber: true },
  { heading: 'STATE' },
  { heading: 'ID' },
];

/** The dead letters that match a filter, in groups, and the latest of them. */
export type DeadLetterList = ReturnType<typeof deadLetterList>;
/** A dead letter with its record. */
export type DeadLetterDetail = Awaited<ReturnType<typeof findDeadLetter>>;

export function deadLetterList(
  index: DeadLetterIndex,
  { filter, limit }: { readonly filter: DeadLetterFilter; readonly limit: number },
) {
  const matching = selectDeadLetters(index.values(), filter);
  return {
    total: matching.length,
    /** Whether the topic has older ones that were not read. */
    truncated: index.isTruncated,
    groups: groupDeadLetters(matching).map(viewDeadLetterGroup),
    deadLetters: matching.slice(0, limit).map(viewDeadLetter),
  };
}

/**
 * Reads one dead letter.
 *
 * @throws UnknownDeadLetterError
 */
export async function findDeadLetter(index: DeadLetterIndex, id: string) {
  const entry = index.get(id);
  if (entry === undefined) throw new UnknownDeadLetterError(`no dead letter has the id "${id}"`);
  const stored = await index.readRecord(entry);
  if (!stored) throw new UnknownDeadLetterError(`the log has deleted the dead letter with the id "${id}"`);
  const { partition, offset } = entry.place;
  return {
    ...viewDeadLetter(entry),
    storedAt: { topic: deadLetterTopic.name, partition, offset: String(offset) },
    ...viewDeadLetterContent(stored.record, stored.origin, Number.POSITIVE_INFINITY),
  };
}

/** The output of `list` for people. */
export function listReport({ total, truncated, groups, deadLetters }: DeadLetterList): string {
  if (total === 0) return 'no dead letters';
  const groupRows = groups.map(({ group, topic, count, redriven, firstWrittenAt, lastWrittenAt, reason }) => [
    inLine(group),
    inLine(topic),
    String(count),
    String(redriven),
    toSeconds(firstWrittenAt),
    toSeconds(lastWrittenAt),
    shorten(inLine(reason)),
  ]);
  const rows = deadLetters.map(({ lastWrittenAt, attempts, redrives, redrivenAt, id }) => [
    toSeconds(lastWrittenAt),
    String(attempts),
    String(redrives),
    redrivenAt === null ? 'open' : 'redriven',
    inLine(id),
  ]);
  return [
    ...textTable(GROUP_COLUMNS, groupRows),
    ...(rows.length > 0 ? ['', ...textTable(LETTER_COLUMNS, rows)] : []),
    '',
    deadLetters.length < total
      ? `${total} dead letters, of which the latest are listed`
      : `${total} dead letters`,
    ...(truncated ? ['the topic has older ones, which were not read'] : []),
  ].join('\n');
}

/** The output of `show` for people. */
export function showReport(letter: DeadLetterDetail): string {
  const { storedAt, key, headers, value, omittedKey, omittedValue } = letter;
  const omitted = omittedKey ?? omittedValue;
  const offsets =
    letter.lastOffset === undefined ? letter.offset : `${letter.offset} to ${letter.lastOffset}`;
  const fields = [
    ['id', letter.id],
    ['state', letter.redrivenAt === null ? 'open' : `redriven ${letter.redrivenAt}`],
    ['group', letter.group],
    ['record', `${letter.topic}/${letter.partition}, offset ${offsets}, received ${letter.receivedAt}`],
    ['reason', letter.errorName ? `${letter.errorName}: ${letter.reason}` : letter.reason],
    ['attempts', String(letter.attempts)],
    ['redrives', `${letter.redrives} before`],
    ['written', `first ${letter.firstWrittenAt}, last ${letter.lastWrittenAt}`],
    ['stored at', `${storedAt.topic}/${storedAt.partition}, offset ${storedAt.offset}`],
    ['key', key === null ? 'none' : bytesLine(key)],
  ].map(([name = '', text = '']) => `${name.padEnd(10)} ${inLine(text)}`);
  return [
    ...fields,
    headers.length === 0 ? 'headers    none' : 'headers',
    ...headers.map(
      ({ name, value: text }) => `  ${inLine(name)}: ${text === null ? 'none' : bytesLine(text)}`,
    ),
    ...(omitted ? [`too large to be kept: ${omitted.sizeBytes} bytes, SHA-256 ${omitted.sha256}`] : []),
    value === null ? 'value      none' : `value      ${value.sizeBytes} bytes, ${value.encoding}`,
    ...(value === null ? [] : [value.content]),
  ].join('\n');
}

function bytesLine({ encoding, content }: BytesView): string {
  return encoding === 'utf8' ? inLine(content) : `${content} (hex)`;
}

/** A text of the log without characters that could control the terminal. */
function inLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function shorten(text: string): string {
  return text.length <= REASON_CHARS ? text : `${text.slice(0, REASON_CHARS - 1)}…`;
}

/** `2026-03-01T08:00:00Z`: without the fraction of the second. */
function toSeconds(iso: string | null): string {
  return iso?.replace(/\.\d+Z$/, 'Z') ?? 'unknown';
}
