import 'reflect-metadata';

// Config: the environment, checked.
export { ConfigError, type ConfigIssue } from './config/config.error.js';
export * from './config/groups.js';
export { readEnv } from './config/read-env.js';
export * as Env from './config/variables.js';

// Logging: pino, and Nest through it.
export { createLogger, type Logger } from './logging/logger.js';
export { LoggingModule } from './logging/logging.module.js';
export { LOGGER } from './logging/logging.tokens.js';
export { NestLogger } from './logging/nest-logger.js';

// HTTP: Nest on Fastify, errors as problems.
export { createHttpApp, type HttpAppOptions } from './http/create-http-app.js';
export type { BodyCheck } from './http/before-body.js';
export {
  bodyTooLarge,
  PROBLEM_JSON,
  ProblemError,
  type Problem,
  type ProblemDetail,
} from './http/problem.js';
export { ProblemFilter } from './http/problem.filter.js';

// Auth: who calls.
export { AuthError, type AuthErrorCode } from './auth/auth.error.js';
export { AuthModule } from './auth/auth.module.js';
export type { AuthOptions, TokenOrigin } from './auth/auth-options.js';
export { CurrentPrincipal, JwtGuard, Scope } from './auth/jwt.guard.js';
export { LOCAL_PROVIDER_ID } from './auth/local-provider.js';
export { makeToken, type TokenClaims } from './auth/make-token.js';
export { requireScope, type Principal, type Scope as ScopeName } from './auth/principal.js';
export { parseTokenArgs, TOKEN_EXPIRES_IN, TOKEN_USAGE } from './auth/token-args.js';
export { TokenVerifier } from './auth/token-verifier.js';

// Health and metrics: what an operator asks.
export * from './health/health-checks.service.js';
export { HealthModule } from './health/health.module.js';
export { LogConsumerMetrics } from './metrics/log-consumer-metrics.service.js';
export { MetricsModule } from './metrics/metrics.module.js';

// Log transport: batches of the log for @EventPattern() handlers.
export { connectLog, LogTransport, type LogTransportOptions } from './log-transport/log-transport.js';

// Lifecycle: from start to exit.
export * from './lifecycle/run-service.js';
