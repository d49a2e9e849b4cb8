export { AuthError } from './auth.error.js';
export { makeToken } from './make-token.js';
export { hasScope, requireScope, scopes, type Principal, type Scope } from './principal.js';
export {
  LOCAL_PROVIDER_ID,
  parseTokenArgs,
  SIGN_IN_EXPIRES_IN,
  TOKEN_EXPIRES_IN,
  TOKEN_USAGE,
} from './token-args.js';
export { TokenVerifier, type AuthOptions, type FailureLimit } from './token-verifier.js';
