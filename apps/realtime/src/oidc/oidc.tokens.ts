/** Injects the `OidcOptions`. */
export const OIDC_OPTIONS = Symbol('OidcOptions');
