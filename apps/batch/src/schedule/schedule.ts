import { Cron } from 'croner';

/** Minimum span between two loads: each joins a consumer group and leaves it. */
const MIN_SPAN_MS = 1_000;
const MAX_SPAN_MS = 31 * 86_400_000;
const MILLISECONDS_PER_UNIT = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** When loads start: at a fixed interval between starts, or at the times of a cron expression in UTC. */
export type Schedule =
  { readonly kind: 'every'; readonly spanMs: number } | { readonly kind: 'cron'; readonly cron: Cron };

/** Describes what {@link parseSchedule} accepts. */
export const SCHEDULE_EXPECTED =
  'a span such as 60s, 15m, 6h or 1d (1s to 31d), or a cron expression such as "0 3 * * *"';

/** Parses `60s`, `15m`, `6h`, `1d` or a cron expression. Returns `undefined` if the text is neither, or never matches. */
export function parseSchedule(text: string): Schedule | undefined {
  const span = /^(\d{1,9})([smhd])$/.exec(text.trim());
  if (span) {
    const spanMs = Number(span[1]) * MILLISECONDS_PER_UNIT[span[2] as keyof typeof MILLISECONDS_PER_UNIT];
    return spanMs >= MIN_SPAN_MS && spanMs <= MAX_SPAN_MS ? { kind: 'every', spanMs } : undefined;
  }
  // croner also accepts dates, which match once.
  if (text.trim().split(/\s+/).length < 5) return undefined;
  try {
    const cron = new Cron(text.trim(), { timezone: 'UTC', paused: true });
    return cron.nextRun() === null ? undefined : { kind: 'cron', cron };
  } catch {
    return undefined;
  }
}
