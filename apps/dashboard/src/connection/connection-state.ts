const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 5_000;

/** The state of the connection to the realtime service. */
export type ConnectionState =
  /** Not connected since the page was opened. */
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** The connection was lost or could not be established; it is retried. */
  | { readonly kind: 'reconnecting' }
  /** The service requires a token: it was missing or not accepted. */
  | { readonly kind: 'signed-out'; readonly hadToken: boolean };

/** An event that changes the state of the connection. */
export type ConnectionEvent =
  | { readonly kind: 'opened' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'refused'; readonly hadToken: boolean };

/** `signed-out` is final: the user has to open another sign-in link, which loads the page again. */
export function nextConnectionState(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  if (state.kind === 'signed-out') return state;
  switch (event.kind) {
    case 'opened':
      return { kind: 'connected' };
    case 'lost':
      return { kind: 'reconnecting' };
    case 'refused':
      return { kind: 'signed-out', hadToken: event.hadToken };
  }
}

/**
 * Milliseconds to wait before retry number `attempt` (from 1): doubled each time, up to a maximum, less up to a half of it.
 * `random` returns a number from 0 to 1.
 */
export function retryDelayMs(attempt: number, random: () => number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
  return (longest * (1 + random())) / 2;
}
