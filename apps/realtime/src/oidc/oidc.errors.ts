/**
 * Why a user could not be signed in, in the words of the page's address: see `SignInFailure` of the page.
 *
 * - `expired`: the sign-in has expired, was used already, or was started with another browser
 * - `refused`: the provider did not sign the user in
 * - `unavailable`: the provider does not respond, or not as it should
 * - `invalid`: what the provider says of the user cannot be trusted
 * - `not-permitted`: the user has no permission for this service
 * - `busy`: too many users sign in
 */
export type OidcErrorCode = 'expired' | 'refused' | 'unavailable' | 'invalid' | 'not-permitted' | 'busy';

/** A user could not be signed in with the identity provider. */
export class OidcError extends Error {
  override readonly name = 'OidcError';

  constructor(
    readonly code: OidcErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
