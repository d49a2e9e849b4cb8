import { textTable } from '@hailstream/service/text-table';

/** The members of a job's status that are printed. */
export interface JobRow {
  readonly name: string;
  readonly state: string;
  readonly sink: string;
  readonly topics: readonly string[];
  readonly partitions: number;
  readonly lagRecords: string;
  readonly counts: { readonly delivered: number; readonly filtered: number; readonly deadLettered: number };
  /** ISO 8601. */
  readonly lastDeliveryAt: string | null;
  readonly failure: {
    readonly code: string;
    readonly reason: string;
    readonly since: string;
    readonly failures: number;
  } | null;
}

const COLUMNS = [
  { heading: 'JOB' },
  { heading: 'STATE' },
  { heading: 'SINK' },
  { heading: 'TOPICS' },
  { heading: 'PARTITIONS', isNumber: true },
  { heading: 'LAG', isNumber: true },
  { heading: 'DELIVERED', isNumber: true },
  { heading: 'FILTERED', isNumber: true },
  { heading: 'DEAD LETTERS', isNumber: true },
  { heading: 'LAST DELIVERY' },
];

/** The jobs as a table, and below it why each failing job fails. */
export function jobsTable(jobs: readonly JobRow[]): string {
  const rows = jobs.map(({ name, state, sink, topics, partitions, lagRecords, counts, lastDeliveryAt }) => [
    name,
    state,
    sink,
    topics.join(', '),
    String(partitions),
    lagRecords,
    String(counts.delivered),
    String(counts.filtered),
    String(counts.deadLettered),
    lastDeliveryAt === null ? 'never' : toSeconds(lastDeliveryAt),
  ]);
  return [...textTable(COLUMNS, rows), ...jobs.flatMap(failureLine)].join('\n');
}

function failureLine({ name, failure }: JobRow): string[] {
  if (failure === null) return [];
  const { code, reason, since, failures } = failure;
  const times = failures === 1 ? 'once' : `${failures} times`;
  return [`${name} has failed ${times} since ${toSeconds(since)}: ${reason} (${code})`];
}

/** `2026-03-01T08:00:00Z`: without the fraction of the second. */
function toSeconds(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}
