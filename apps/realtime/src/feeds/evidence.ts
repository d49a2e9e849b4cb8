import { evidenceSentences, type EvidenceCode, type EvidenceValues } from '@hailstream/events/feeds';

/** What shows a finding. */
export interface Evidence {
  readonly code: EvidenceCode;
  readonly values: EvidenceValues;
}

/** Evidence as a sentence in English. */
export function evidenceSentence({ code, values }: Evidence): string {
  return evidenceSentences[code].replaceAll(/\{(\w+)\}/g, (_, name: string) => inWords(name, values[name]!));
}

function inWords(name: string, value: number | string): string {
  if (typeof value === 'string') return value;
  if (name === 'share') return `${Math.round(100 * value)} %`;
  return name.endsWith('Ms') ? inSeconds(value) : String(value);
}

function inSeconds(ms: number): string {
  const whole = Math.round(ms / 1_000);
  if (whole < 120) return `${whole} s`;
  if (whole < 7_200) return `${Math.round(whole / 60)} min`;
  return whole < 172_800 ? `${Math.round(whole / 3_600)} h` : `${Math.round(whole / 86_400)} days`;
}
