import type { Principal } from '@hailstream/service/tokens';

/**
 * Whose limits apply to a client: those of the provider of its token, of the name in a token of all providers or, without a
 * name, of the token. `undefined` without a token: the service is then open to all.
 */
export function callerOf(principal: Principal, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const { providerId, name } = principal;
  if (providerId !== undefined) return `provider ${providerId}`;
  return name === undefined ? `token ${token}` : `name ${name}`;
}

/**
 * Whether one of many may have one more place. Each has at most as many as are free, so that there is room for another one,
 * however many places the others want.
 */
export function hasRoom(places: {
  readonly own: number;
  readonly used: number;
  readonly limit: number;
}): boolean {
  return places.own < places.limit - places.used;
}
