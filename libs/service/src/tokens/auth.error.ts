/** Why a caller is not authorized. */
type AuthErrorCode =
  | 'TOKEN_MISSING'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'CLAIM_MISSING'
  | 'CLAIM_INVALID'
  | 'SCOPE_MISSING'
  | 'KEYS_UNAVAILABLE';

/** The caller is not authorized, or, with `KEYS_UNAVAILABLE`, cannot be authenticated at the moment. */
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
