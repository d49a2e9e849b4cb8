import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Histogram } from 'hdr-histogram-js';
import type { Sample, Trend } from './trend.js';
import type { Comparison } from './rounds.js';

/** The target ratio. */
type Target = { readonly atLeast: number } | { readonly atMost: number };

/** A row of the table. `target` is `null` if there is no target. */
export type Row =
  | {
      readonly kind: 'comparison';
      readonly name: string;
      readonly unit: string;
      readonly target: Target | null;
      readonly result: Comparison;
    }
  | { readonly kind: 'latency'; readonly name: string; readonly note: string; readonly micros: Percentiles }
  | UnmeasuredRow
  | FaultRow
  | AttackRow
  | CourseRow
  | CheckRow
  | PlanRow
  | Figure;

/** A comparison that was not measured, because the reference could not be installed. */
interface UnmeasuredRow {
  readonly kind: 'unmeasured';
  readonly name: string;
  readonly reference: string;
  readonly target: Target | null;
  readonly reason: string;
}

/** A query that was timed with EXPLAIN ANALYZE. */
export interface PlanRow {
  readonly kind: 'plan';
  /** The view, the period that is asked for, and the size of the database. */
  readonly name: string;
  readonly period: string;
  readonly size: string;
  readonly ms: number;
  /** Processor time, without parallel workers. */
  readonly cpuMs: number;
  readonly targetMs: number;
  /** The time with a larger database, if it can be extrapolated. */
  readonly extrapolatedMs?: number;
  readonly rows: number;
  /** Partitions of tables of events that were read. */
  readonly partitions: number;
  /** Bytes written to temporary files. */
  readonly spilledBytes: number;
}

/** One measured value. `target` is `null` if there is no target. */
export interface Figure {
  readonly kind: 'figure';
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: Target | null;
}

/** The effect of a fault on a steady load. */
interface FaultRow {
  readonly kind: 'fault';
  readonly name: string;
  /** From the fault until the affected component was restarted and ready. */
  readonly durationMs: number;
  /** From the planned time of an event to its acknowledgement, including retries. */
  readonly acknowledged: Percentiles;
  /** Requests that did not return 201. */
  readonly retries: number;
  /** From the fault until the last event that it delayed. */
  readonly recoveredAfterMs: number;
  /** From the acknowledgement until the first realtime process, or both, served the event. */
  readonly visibleToFirst: Percentiles;
  readonly visibleToBoth: Percentiles;
  /** From the acknowledgement until the row was committed. */
  readonly inPostgres: Percentiles;
}

/** Attacks of one kind, and what a provider next to the attacker has experienced. */
interface AttackRow {
  readonly kind: 'attack';
  readonly name: string;
  readonly attempts: number;
  /** What was not held. */
  readonly failures: readonly string[];
  readonly before: Experience;
  readonly during: Experience;
}

/** A value of a process while hostile clients were at work. */
interface CourseRow {
  readonly kind: 'course';
  readonly process: string;
  readonly measure: string;
  readonly trend: Trend;
  readonly samples: readonly Sample[];
}

/** Something that must hold. */
interface CheckRow {
  readonly kind: 'check';
  readonly name: string;
  readonly result: string;
  readonly failures: readonly string[];
}

/** What a provider has experienced for a while. */
export interface Experience {
  /** From the planned time of an event to its acknowledgement. */
  readonly acknowledged: Percentiles;
  /** Events that were refused. */
  readonly refused: number;
  /** Between two frames of its page. */
  readonly frameGap: Percentiles;
  /** Whether its page was disconnected. */
  readonly disconnected: boolean;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function percentiles(histogram: Histogram): Percentiles {
  return {
    count: histogram.totalCount,
    p50: histogram.getValueAtPercentile(50),
    p90: histogram.getValueAtPercentile(90),
    p99: histogram.getValueAtPercentile(99),
    max: histogram.maxValue,
  };
}

/** Markdown tables of the ratios with both sides, the latencies, and the faults. */
export function table(rows: readonly Row[]): string {
  const comparisons = rows.filter((row) => row.kind === 'comparison' || row.kind === 'unmeasured');
  const latencies = rows.filter((row) => row.kind === 'latency');
  const lines: string[] = [];
  if (comparisons.length > 0) {
    lines.push('| benchmark | Hailstream | reference | ratio | target | |', '|---|---:|---:|---:|---:|---|');
    for (const row of comparisons) {
      if (row.kind === 'unmeasured') {
        const [target] = verdict(Number.NaN, row.target);
        lines.push(
          `| ${row.name} | – | – (${row.reference}) | – | ${target} | **not measured**: ${row.reason} |`,
        );
        continue;
      }
      const { name, unit, target, result } = row;
      const subject = `${figure(result.subject.median)} ${unit}`;
      const reference = `${figure(result.reference.median)} ${unit} (${result.reference.name})`;
      const { ratio, interval } = result;
      const range = interval ? ` (${interval.map((end) => end.toFixed(3)).join(' to ')})` : '';
      const columns = [name, subject, reference, ratio.toFixed(2) + range, ...verdict(ratio, target)];
      lines.push(`| ${columns.join(' | ')} |`);
    }
  }
  if (latencies.length > 0) {
    lines.push(
      '',
      '| latency, open loop | p50 | p90 | p99 | maximum | count |',
      '|---|---:|---:|---:|---:|---:|',
    );
    for (const { name, note, micros } of latencies) {
      const columns = [micros.p50, micros.p90, micros.p99, micros.max].map(milliseconds).join(' | ');
      lines.push(`| ${name}, ${note} | ${columns} | ${count(micros.count)} |`);
    }
  }
  return [
    ...lines,
    ...faultTable(rows.filter((row) => row.kind === 'fault')),
    ...attackTable(rows.filter((row) => row.kind === 'attack')),
    ...courseTable(rows.filter((row) => row.kind === 'course')),
    ...checkTable(rows.filter((row) => row.kind === 'check')),
    ...planTable(rows.filter((row) => row.kind === 'plan')),
    ...figureTable(rows.filter((row) => row.kind === 'figure')),
  ].join('\n');
}

/** One row per query, with a column for each size of the database. */
function planTable(rows: readonly PlanRow[]): string[] {
  if (rows.length === 0) return [];
  const sizes = [...new Set(rows.map(({ size }) => size))];
  const lines = [
    '',
    `| view | period | ${sizes.join(' | ')} | 100,000,000 rows (extrapolated) | | processor time | rows returned | partitions read | spilled |`,
    `|---|---|${'---:|'.repeat(sizes.length)}---:|---|---:|---:|---:|---:|`,
  ];
  for (const row of rows.filter(({ size }) => size === sizes.at(-1))) {
    const { name, period, extrapolatedMs = row.ms, targetMs, partitions, spilledBytes } = row;
    const times = sizes.map((size) => {
      const same = rows.find((each) => each.name === name && each.period === period && each.size === size);
      return same === undefined ? '' : `${figure(same.ms)} ms`;
    });
    const [, isMet] = verdict(extrapolatedMs, { atMost: targetMs });
    const spilled = spilledBytes === 0 ? '–' : `${figure(spilledBytes / 2 ** 20)} MiB`;
    const columns = [
      ...times,
      `${figure(extrapolatedMs)} ms`,
      isMet,
      `${count(row.cpuMs)} ms`,
      count(row.rows),
      count(partitions),
      spilled,
    ];
    lines.push(`| ${name} | ${period} | ${columns.join(' | ')} |`);
  }
  return lines;
}

function figureTable(rows: readonly Figure[]): string[] {
  if (rows.length === 0) return [];
  const lines = ['', '| measurement | value | target | |', '|---|---:|---:|---|'];
  for (const { name, value, unit, target } of rows) {
    const columns = [name, `${figure(value)} ${unit}`, ...verdict(value, target)];
    lines.push(`| ${columns.join(' | ')} |`);
  }
  return lines;
}

/** One row per fault. docs/reliability.md explains the columns. */
function faultTable(rows: readonly FaultRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    '',
    '| fault | duration | acknowledged, p50 | p99 | maximum | retries | recovered after | visible, first | visible, both | in Postgres |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const row of rows) {
    const { durationMs, acknowledged, retries, recoveredAfterMs, visibleToFirst, visibleToBoth, inPostgres } =
      row;
    const columns = [
      seconds(durationMs * 1_000),
      milliseconds(acknowledged.p50),
      milliseconds(acknowledged.p99),
      seconds(acknowledged.max),
      `${count(retries)} of ${count(acknowledged.count)}`,
      seconds(recoveredAfterMs * 1_000),
      ...[visibleToFirst, visibleToBoth, inPostgres].map(({ max }) => seconds(max)),
    ];
    lines.push(`| ${row.name} | ${columns.join(' | ')} |`);
  }
  return lines;
}

/** One row per group of attacks. docs/reliability.md explains the columns. */
function attackTable(rows: readonly AttackRow[]): string[] {
  if (rows.length === 0) return [];
  const change = (before: number, during: number): string =>
    `${milliseconds(before)} → ${milliseconds(during)}`;
  const lines = [
    '',
    '| attacks | attempts | held | failed | acknowledged, p50 | p99 | frames, p50 | maximum |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const { name, attempts, failures, before, during } of rows) {
    const columns = [
      count(attempts),
      count(Math.max(0, attempts - failures.length)),
      count(failures.length),
      change(before.acknowledged.p50, during.acknowledged.p50),
      change(before.acknowledged.p99, during.acknowledged.p99),
      change(before.frameGap.p50, during.frameGap.p50),
      change(before.frameGap.max, during.frameGap.max),
    ];
    lines.push(`| ${name} | ${columns.join(' | ')} |`);
  }
  const failures = rows.flatMap((row) => row.failures.map((failure) => `- ${row.name}: ${failure}`));
  return failures.length > 0 ? [...lines, '', 'Not held:', '', ...failures] : lines;
}

/** One row per process and measure, with a column for each round. */
function courseTable(rows: readonly CourseRow[]): string[] {
  if (rows.length === 0) return [];
  const rounds = rows[0]!.trend.rounds.map((_, index) => `round ${index + 1}`);
  const lines = [
    '',
    `| process | measure | ${rounds.join(' | ')} | slope per hour (95 %) | |`,
    `|---|---|${'---:|'.repeat(rounds.length)}---:|---|`,
  ];
  for (const { process, measure, trend } of rows) {
    const slope = [trend.slope, ...trend.interval].map((value) => value.toFixed(1));
    const columns = [
      ...trend.rounds.map((value) => value.toFixed(0)),
      `${slope[0]} (${slope[1]} to ${slope[2]})`,
      trend.grows ? '**grows**' : 'flat',
    ];
    lines.push(`| ${process} | ${measure} | ${columns.join(' | ')} |`);
  }
  return lines;
}

function checkTable(rows: readonly CheckRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(
    ({ name, result, failures }) =>
      `| ${name} | ${result} | ${failures.length === 0 ? 'ok' : '**failed**'} |`,
  );
  const failures = rows.flatMap((row) => row.failures.map((failure) => `- ${row.name}: ${failure}`));
  return ['', '| check | result | |', '|---|---|---|', ...lines, '', ...failures];
}

/** Whether something that must hold does not. Figures only have targets, which may be missed. */
export function hasFailed(row: Row): boolean {
  if (row.kind === 'course') return row.trend.grows;
  return (row.kind === 'attack' || row.kind === 'check') && row.failures.length > 0;
}

/** The machine in one line: results are not comparable without it. */
export function machine(): string {
  const processors = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return `${processors[0]?.model.trim() ?? 'unknown processor'}, ${processors.length} cores, ${memoryGib} GiB, ${process.platform} ${release()}, Node ${process.versions.node}`;
}

/** Writes all measurements of all rounds, and returns the file's path. */
export function writeJson(folder: string, rows: readonly Row[], takenAt: Date): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${takenAt.toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ takenAt: takenAt.toISOString(), machine: machine(), rows }, null, 2)}\n`,
  );
  return file;
}

/** The target, and whether it was reached. */
function verdict(value: number, target: Target | null): [string, string] {
  if (target === null) return ['–', ''];
  if ('atLeast' in target) return [`≥ ${target.atLeast}`, value >= target.atLeast ? 'ok' : '**missed**'];
  return [`≤ ${target.atMost}`, value <= target.atMost ? 'ok' : '**missed**'];
}

/** Formats a figure, with decimals below 100. */
function figure(value: number): string {
  return value < 100 ? value.toPrecision(3) : count(value);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function seconds(micros: number): string {
  return `${(micros / 1_000_000).toFixed(1)} s`;
}

function milliseconds(micros: number): string {
  return `${(micros / 1_000).toFixed(1)} ms`;
}
