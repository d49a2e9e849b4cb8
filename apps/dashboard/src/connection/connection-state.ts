/** How the page and the realtime service stand. */
export type ConnectionState =
  /** Since the page was opened, nothing came yet. */
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** It was connected, or could not be within the first moments; it goes on trying. */
  | { readonly kind: 'reconnecting' }
  /** The service wants a token: none was given, or this one is not taken. */
  | { readonly kind: 'signed-out'; readonly hadToken: boolean };

/** What happens to a connection. */
export type ConnectionEvent =
  | { readonly kind: 'opened' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'refused'; readonly hadToken: boolean };

/** Signed out is final: only another link, and with it another page, leads out of it. */
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
