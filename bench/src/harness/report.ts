import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Histogram } from 'hdr-histogram-js';
import type { Comparison } from './rounds.js';

/** The target ratio. */
export type Wanted = { readonly atLeast: number } | { readonly atMost: number };

/** A row of the table. `wanted` is `null` if there is no target. */
export type Row =
  | {
      readonly kind: 'comparison';
      readonly name: string;
      readonly unit: string;
      readonly wanted: Wanted | null;
      readonly result: Comparison;
    }
  | { readonly kind: 'latency'; readonly name: string; readonly note: string; readonly micros: Percentiles }
  | FaultRow;

/** The effect of a fault on a steady load. */
export interface FaultRow {
  readonly kind: 'fault';
  readonly name: string;
  /** From the fault until the affected process was ready again. */
  readonly mendedMs: number;
  /** From the planned time of an event to its acknowledgement, including retries. */
  readonly acknowledged: Percentiles;
  /** Requests that did not return 201; each was retried. */
  readonly sentAgain: number;
  /** From the fault to the last event that was delayed. */
  readonly normalAfterMs: number;
  /** From the acknowledgement until the first realtime process shows the event, and until both do. */
  readonly shownByOne: Percentiles;
  readonly shownByBoth: Percentiles;
  /** From the acknowledgement until the event is a row. */
  readonly inPostgres: Percentiles;
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
  const comparisons = rows.filter((row) => row.kind === 'comparison');
  const latencies = rows.filter((row) => row.kind === 'latency');
  const lines: string[] = [];
  if (comparisons.length > 0) {
    lines.push('| what | ours | reference | ratio | wanted | |', '|---|---:|---:|---:|---:|---|');
    for (const { name, unit, wanted, result } of comparisons) {
      const ours = `${figure(result.ours.median)} ${unit}`;
      const reference = `${figure(result.reference.median)} ${unit} (${result.reference.name})`;
      const columns = [name, ours, reference, result.ratio.toFixed(2), ...verdict(result.ratio, wanted)];
      lines.push(`| ${columns.join(' | ')} |`);
    }
  }
  if (latencies.length > 0) {
    lines.push('', '| latency, open loop | p50 | p90 | p99 | max | of |', '|---|---:|---:|---:|---:|---:|');
    for (const { name, note, micros } of latencies) {
      const columns = [micros.p50, micros.p90, micros.p99, micros.max].map(milliseconds).join(' | ');
      lines.push(`| ${name}, ${note} | ${columns} | ${count(micros.count)} |`);
    }
  }
  return [...lines, ...faultTable(rows.filter((row) => row.kind === 'fault'))].join('\n');
}

/** Times are in seconds, except the ordinary wait of devices. */
function faultTable(rows: readonly FaultRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    '',
    '| fault | over after | acknowledged, p50 | p99 | longest | sent again | as usual after | longest until on a page | on both | in Postgres |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const row of rows) {
    const { mendedMs, acknowledged, sentAgain, normalAfterMs, shownByOne, shownByBoth, inPostgres } = row;
    const columns = [
      seconds(mendedMs * 1_000),
      milliseconds(acknowledged.p50),
      milliseconds(acknowledged.p99),
      seconds(acknowledged.max),
      `${count(sentAgain)} of ${count(acknowledged.count)}`,
      normalAfterMs === 0 ? 'at once' : seconds(normalAfterMs * 1_000),
      ...[shownByOne, shownByBoth, inPostgres].map(({ max }) => seconds(max)),
    ];
    lines.push(`| ${row.name} | ${columns.join(' | ')} |`);
  }
  return lines;
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

/** The target, and whether it is reached. */
function verdict(ratio: number, wanted: Wanted | null): [string, string] {
  if (wanted === null) return ['–', ''];
  if ('atLeast' in wanted) return [`≥ ${wanted.atLeast}`, ratio >= wanted.atLeast ? 'ok' : '**missed**'];
  return [`≤ ${wanted.atMost}`, ratio <= wanted.atMost ? 'ok' : '**missed**'];
}

/** Decimals only for small figures. */
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
