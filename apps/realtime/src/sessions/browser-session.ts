import type { Principal } from '@hailstream/service/tokens';

/** The session of a browser. It is in the browser's cookie, sealed, so that every process with the key accepts it. */
export interface BrowserSession {
  /** Random; revoked with it. */
  readonly id: string;
  readonly principal: Principal;
  /** Unix time in milliseconds. */
  readonly expiresAtMs: number;
  /** The token that it was opened with. */
  readonly origin: {
    /** SHA-256 in hexadecimal digits. */
    readonly hash: string;
    /** When it expires; `null` for the token of a sign-in link, which is not revoked with the session. */
    readonly expiresAtMs: number | null;
    /** The token itself, if another service needs it. */
    readonly token?: string;
    /** Whether the identity provider has signed the user in, who is signed in there, too. */
    readonly isOfProvider?: boolean;
  };
}

/** A user whom the identity provider has authenticated. */
export interface ProvenUser {
  readonly principal: Principal;
  /** Identifies the user among all users of all providers. */
  readonly subject: string;
  readonly idToken: string;
}

/** Whether two tokens are for the same user with the same permissions. */
export function isSamePrincipal(one: Principal, other: Principal): boolean {
  return (
    one.name === other.name &&
    one.providerId === other.providerId &&
    one.scopes.size === other.scopes.size &&
    [...one.scopes].every((scope) => other.scopes.has(scope))
  );
}
