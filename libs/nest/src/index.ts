import 'reflect-metadata';

// Logging: Nest's own messages through pino.
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
export { AuthModule } from './auth/auth.module.js';
export { CurrentPrincipal, JwtGuard, RequireScope } from './auth/jwt.guard.js';

// Health and metrics: what an operator asks.
export * from './health/health-checks.service.js';
export { HealthModule } from './health/health.module.js';
export { LogConsumerMetrics } from './metrics/log-consumer-metrics.service.js';
export { MetricsModule } from './metrics/metrics.module.js';

// Log transport: batches of the log for @EventPattern() handlers.
export { connectLog, LogTransport, type LogTransportOptions } from './log-transport/log-transport.js';
