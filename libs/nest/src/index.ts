import 'reflect-metadata';

// Logging: Nest's messages in pino.
export { LOGGER, LoggingModule } from './logging/logging.module.js';

// HTTP: Nest on Fastify, errors as problems.
export { createHttpApp, type DirectHandler } from './http/create-http-app.js';
export { announcedBytes, refuseBody, refuseCrumbs } from './http/before-body.js';
export { BodyMemory, type HeldBody } from './http/body-memory.js';
export type { ConnectionLimits } from './http/connection-limits.js';
export { hasLargeRest } from './http/connections.js';
export { bodyTooLarge, ProblemError, type ProblemAnswer } from './http/problem.js';
export { RAW_SECURITY_HEADERS } from './http/security-headers.js';
export { ProblemFilter } from './http/problem.filter.js';

// Authentication and scopes.
export { AuthModule } from './auth/auth.module.js';
export { FailedAuthentications } from './auth/failed-authentications.js';
export { COOKIE_SESSIONS, type CookieSessions } from './auth/cookie-sessions.js';
export { bearerToken, CurrentPrincipal, principalOf, RequireScope } from './auth/jwt.guard.js';
export { requireAllProviders } from './auth/require-all-providers.js';

// Health checks and metrics.
export * from './health/health-checks.service.js';
export { HealthModule } from './health/health.module.js';
export { HttpMetrics } from './metrics/http-metrics.service.js';
export { LogConsumerMetrics } from './metrics/log-consumer-metrics.service.js';
export { MetricsModule } from './metrics/metrics.module.js';

// Log: its clients, topics, and batches for @EventPattern() handlers.
export { LogModule, type LogModuleOptions } from './log/log.module.js';
export { LogTopics } from './log/log-topics.service.js';
export { connectLog, LogTransport, type LogTransportOptions } from './log/log-transport.js';
export { ADMIN, DEAD_LETTER_QUEUE, PRODUCER, RANGE_READER } from './log/log.tokens.js';
export { waitForLog } from './log/wait-for-log.js';
