import { erasureKinds } from '@hailstream/events';
import { parseOptions, UsageError } from '@hailstream/service/command-line';
import { isUuid } from '@hailstream/service/uuid';
import type { Erasure } from '../erasure/erase-rows.postgres.js';
import type { Eraser, ErasureResult } from '../erasure/eraser.service.js';

export const ERASE_USAGE = [
  'erase --rider UUID | --device UUID [--dry-run] [--json]',
  '    removes everything about a rider or a device, for all providers: cannot be undone. Trips remain, without the id and',
  '    with coarse places. Later events of the id are not loaded. Exit code 1 if rows with the id remain',
];

const OPTIONS = {
  rider: { type: 'string' },
  device: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

interface EraseArgs {
  readonly erasure: Erasure;
  readonly isDryRun: boolean;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseEraseArgs(args: readonly string[]): EraseArgs {
  const values = parseOptions(args, OPTIONS);
  const given = erasureKinds.filter((kind) => values[kind] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    throw new UsageError('erase: expected either --rider UUID or --device UUID');
  }
  const id = values[kind]!;
  if (!isUuid(id)) throw new UsageError(`--${kind}: expected a UUID, got "${id}"`);
  return {
    erasure: { kind, id: id.toLowerCase() },
    isDryRun: values['dry-run'] ?? false,
    isJson: values.json ?? false,
  };
}

/** Runs `erase` and returns the exit code. */
export async function runErase(
  eraser: Eraser,
  { erasure, isDryRun, isJson }: EraseArgs,
  signal: AbortSignal,
): Promise<number> {
  const result = await eraser.erase(erasure, {
    isDryRun,
    signal,
    onProgress: (table, { before, after }) => {
      if (!isJson) process.stderr.write(`${table}: ${before} rows with the id, now ${after}\n`);
    },
  });
  process.stdout.write(`${isJson ? JSON.stringify(result) : report(result)}\n`);
  return result.remaining > 0 && !isDryRun ? 1 : 0;
}

function report({
  kind,
  id,
  event,
  tables,
  removed,
  pseudonymised,
  remaining,
  ...result
}: ErasureResult): string {
  const changed = Object.entries(tables).filter(([, each]) => each.before + each.pseudonymised > 0);
  const lines = changed.map(
    ([table, each]) =>
      `${table.padEnd(24)}${each.before} before, ${each.removed} removed, ${each.pseudonymised} pseudonymised, ${each.after} after`,
  );
  if (result.dryRun)
    return [...lines, `${kind} ${id}: ${remaining} rows`, 'dry run: no changes were made'].join('\n');
  lines.push(`${kind} ${id}: ${removed} removed, ${pseudonymised} pseudonymised, ${remaining} remain`);
  if (event !== null) {
    lines.push(`other consumers are informed by ${event.topic}/${event.partition} at offset ${event.offset}`);
  }
  for (const { check, after } of Object.values(tables)) if (check !== '') lines.push(`${check} -- ${after}`);
  return lines.join('\n');
}
