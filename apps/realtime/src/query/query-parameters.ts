import { isUuid } from '@hailstream/service/uuid';
import type { ProviderFilter } from '../fold/city-state.js';

/** A query parameter is invalid. The message says what was expected. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly code = 'QUERY_INVALID';

  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** The parameters of a request. Every method throws {@link QueryError} if the parameter is invalid. */
export class QueryParameters {
  constructor(private readonly query: Readonly<Record<string, unknown>>) {}

  /** `undefined` if it is missing or empty. */
  text(field: string, maxChars: number): string | undefined {
    const value = this.query[field];
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' && value.length <= maxChars) return value;
    throw new QueryError(field, `expected one text of at most ${maxChars} characters`);
  }

  integer(
    field: string,
    range: { readonly default: number; readonly minimum: number; readonly maximum: number },
  ): number {
    const { minimum, maximum } = range;
    const value = this.text(field, 20);
    const integer = value === undefined ? range.default : Number(value);
    if (Number.isInteger(integer) && integer >= minimum && integer <= maximum) return integer;
    throw new QueryError(field, `expected an integer from ${minimum} to ${maximum}, got "${value}"`);
  }

  /** One of the values, or several that are separated by commas. */
  choices<T extends string>(field: string, values: readonly T[]): readonly T[] | undefined {
    const chosen = this.text(field, 1_000)?.split(',');
    return chosen?.map((text) => {
      const value = values.find((known) => known === text);
      if (value !== undefined) return value;
      throw new QueryError(field, `expected one or more of ${values.join(', ')}, got "${text}"`);
    });
  }

  /** The provider in `provider_id`, or else the one that the token is limited to. Another one than that has no vehicles. */
  provider(allowed: ProviderFilter): ProviderFilter {
    const requested = this.text('provider_id', 100)?.toLowerCase();
    if (requested === undefined) return allowed;
    if (!isUuid(requested)) throw new QueryError('provider_id', `expected a UUID, got "${requested}"`);
    if (allowed === null || allowed === requested) return requested;
    throw new QueryError('provider_id', `the token is limited to the provider ${allowed}`);
  }
}
