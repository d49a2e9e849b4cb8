import type { en } from '../messages/en.js';
import type { MessageKey } from '../messages/messages.js';
import { locale } from './locale.js';

/** The names of the values that a text contains. */
type ValueOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ValueOf<Rest>
  : never;

type ValuesOf<Key extends MessageKey, Given extends string = never> =
  Exclude<ValueOf<(typeof en)[Key]>, Given> extends infer Name extends string
    ? [Name] extends [never]
      ? []
      : [values: Readonly<Record<Name, string | number>>]
    : never;

/** Keys of texts with forms for a number. */
type PluralKey = MessageKey extends infer Key ? (Key extends `${infer Base}.other` ? Base : never) : never;

/** The text of a key in the current language, with values in place of their names. */
export function t<Key extends MessageKey>(key: Key, ...[values]: ValuesOf<Key>): string {
  return fill(textOf(key), values);
}

/** The form of a text for a number; `{count}` is the number as it is written in the current language. */
export function plural<Key extends PluralKey>(
  key: Key,
  count: number,
  ...[values]: ValuesOf<`${Key}.other` & MessageKey, 'count'>
): string {
  const { plurals, whole } = locale.get();
  const form = plurals.select(count) === 'one' ? 'one' : 'other';
  return fill(textOf(`${key}.${form}` as MessageKey), { ...values, count: whole.format(count) });
}

/** The text of a key in the current language, with the names of its values. */
export function textOf(key: MessageKey): string {
  // A name that a newer service sends may have no text.
  return (
    (locale.get().messages[key] as string | undefined) ?? key.slice(key.indexOf('.') + 1).replaceAll('_', ' ')
  );
}

function fill(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
