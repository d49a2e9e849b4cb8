import { alertSentences, type Alert, type AlertSummary } from '@hailstream/events';

/** The sentence in English, and what pages in other languages make theirs of. */
export function summaryFields({
  code,
  values,
}: AlertSummary): Required<Pick<Alert, 'summary' | 'summary_parts'>> {
  const summary = alertSentences[code].replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    inWords(name, values[name as keyof typeof values]!),
  );
  return { summary, summary_parts: { code, values } };
}

function inWords(name: string, value: number | string): string {
  if (name === 'riders') return value === 1 ? '1 rider has' : `${value} riders have`;
  if (name === 'state') return String(value).replaceAll('_', ' ');
  return name.endsWith('Ms') ? inDuration(Number(value)) : String(value);
}

/** `90 s`, `10 min`, `2 h`: the largest unit that is exact. */
function inDuration(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}`;
  }
  return `${ms} ms`;
}
