export { AuthError, type AuthErrorCode } from './auth.error.js';
export type { AuthOptions, TokenOrigin } from './auth-options.js';
export { LOCAL_PROVIDER_ID } from './local-provider.js';
export { makeToken, type TokenClaims } from './make-token.js';
export { requireScope, type Principal, type Scope } from './principal.js';
export { parseTokenArgs, TOKEN_EXPIRES_IN, TOKEN_USAGE } from './token-args.js';
export { TokenVerifier } from './token-verifier.js';
