/** Why a caller is not let in. */
export type AuthErrorCode =
  | 'TOKEN_MISSING'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'CLAIM_MISSING'
  | 'CLAIM_INVALID'
  | 'SCOPE_MISSING'
  | 'KEYS_UNAVAILABLE';

/** A caller that is not let in. `KEYS_UNAVAILABLE` alone is not the caller's fault. */
export class AuthError extends Error {
  override readonly name = 'AuthError';

  constructor(
    readonly code: AuthErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
