import { HANDLERS } from '../../src/broker/handlers/index.js';
import { nameOf } from '../../src/protocol/error-codes.js';

/** Kafka's numbers of APIs, by name. */
export const Api = Object.fromEntries([...HANDLERS.values()].map(({ name, apiKey }) => [name, apiKey])) as {
  readonly [name: string]: number;
};

/** An answer, or a part of one, with its error by name. */
export type Named<T> = Omit<T, 'errorCode'> & { readonly error: string };

export function named<T extends { readonly errorCode: number }>({ errorCode, ...rest }: T): Named<T> {
  return { error: nameOf(errorCode), ...rest };
}

export function only<T>(values: readonly T[]): T {
  if (values.length !== 1) throw new Error(`one was expected, ${values.length} came`);
  return values[0] as T;
}
