import type { Principal } from '@hailstream/service/tokens';
import { ProblemError } from '../http/problem.js';

/** @throws ProblemError 403 if the token is limited to one provider: what it reads or changes concerns all of them */
export function requireAllProviders({ providerId }: Principal, what: string): void {
  if (providerId === undefined) return;
  throw new ProblemError({
    status: 403,
    title: 'Forbidden',
    detail: `${what} requires a token for all providers, this one is limited to ${providerId}`,
  });
}
