import type { City } from '@hailstream/events/live';

const REQUEST_TIMEOUT_MS = 10_000;

/** The result of requesting the city. */
export type CityAnswer =
  | { readonly kind: 'city'; readonly city: City }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Requests `GET /city`, whose status also shows whether the token is accepted. */
export async function requestCity(token: string | null): Promise<CityAnswer> {
  try {
    const response = await fetch('/city', {
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (response.status === 401 || response.status === 403) return { kind: 'refused' };
    if (!response.ok) return { kind: 'failed', reason: `the service answered ${response.status}` };
    return { kind: 'city', city: (await response.json()) as City };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
