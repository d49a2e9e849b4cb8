import type { RedriveResult } from './redrive.js';

/** Interval of the progress lines. */
const LINE_EVERY_MS = 2_000;

/** Prints the progress of a redrive that takes longer, a line every two seconds. */
export class RedriveProgress {
  private lastLineAt = performance.now();

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show({ done, total }: { readonly done: number; readonly total: number }): void {
    if (performance.now() - this.lastLineAt < LINE_EVERY_MS) return;
    this.lastLineAt = performance.now();
    this.stream.write(`redriving: ${done} of ${total} dead letters\n`);
  }
}

/** The output of `redrive` for people. */
export function redriveReport({
  outcome,
  reason,
  dryRun,
  redriven,
  remaining,
  refused,
}: RedriveResult): string {
  const verb = dryRun ? 'would be redriven' : 'redriven';
  const lines = [`${redriven} dead letters ${verb}`];
  for (const { reason: why, count, ids } of refused) {
    lines.push(`${count} not redriven: ${why}`);
    lines.push(...ids.map((id) => `  ${id}`));
    if (ids.length < count) lines.push('  …');
  }
  if (dryRun) lines.push('dry run: nothing was written');
  if (outcome !== 'complete') {
    const why = reason === undefined ? '' : `: ${reason}`;
    lines.push(`${outcome}${why}; ${remaining} remain: repeat the command to redrive them`);
  }
  return lines.join('\n');
}
