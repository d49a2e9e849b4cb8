import { HANDLERS } from '../../src/broker/handlers/index.js';
import { nameOf } from '../../src/protocol/error-codes.js';

/** API keys by name. */
export const Api = Object.fromEntries([...HANDLERS.values()].map(({ name, apiKey }) => [name, apiKey])) as {
  readonly [name: string]: number;
};

/** A response, or a part of one, with the name of its error. */
export type Named<T> = Omit<T, 'errorCode'> & { readonly error: string };

export function named<T extends { readonly errorCode: number }>({ errorCode, ...rest }: T): Named<T> {
  return { error: nameOf(errorCode), ...rest };
}

export function only<T>(values: readonly T[]): T {
  if (values.length !== 1) throw new Error(`expected one value, got ${values.length}`);
  return values[0] as T;
}
