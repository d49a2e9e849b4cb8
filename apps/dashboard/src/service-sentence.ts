import { formatDuration, formatShare, formatSpeed } from './format.js';
import type { MessageKey } from './messages/messages.js';
import { locale } from './locale/locale.js';
import { textOf } from './locale/text.js';

/** A sentence that the service sends: its code, and its values by name. */
interface SentenceParts {
  readonly code: string;
  readonly values: Readonly<Record<string, number | string | undefined>>;
}

/**
 * A sentence of the service in the current language. `null` if the current language is that of the service, or it has no text:
 * an older service sends no parts, and a newer one may send other codes.
 */
export function serviceSentence(
  kind: 'evidence' | 'alerts',
  parts: SentenceParts | undefined,
): string | null {
  const texts = locale.get().service?.[kind] as Readonly<Record<string, string>> | undefined;
  const text = parts === undefined ? undefined : texts?.[parts.code];
  if (text === undefined) return null;
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parts!.values[name];
    return value === undefined ? whole : valueWords(name, value);
  });
}

function valueWords(name: string, value: number | string): string {
  if (name === 'state') return textOf(`state.${value}` as MessageKey);
  if (typeof value === 'string') return value;
  if (name === 'share') return formatShare(value, 1);
  if (name === 'speed') return formatSpeed(value);
  return name.endsWith('Ms') ? formatDuration(value) : locale.get().atMostOneDecimal.format(value);
}
