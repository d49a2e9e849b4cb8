import { TokenVerifier, type AuthOptions } from '@hailstream/service/tokens';
import { Inject, Logger, Module, Optional, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { COOKIE_SESSIONS, type CookieSessions } from './cookie-sessions.js';
import { examineErrors } from '../http/examined-errors.js';
import { FailedAuthentications } from './failed-authentications.js';
import { authenticate } from './jwt.guard.js';

const AUTH_OPTIONS = Symbol('AuthOptions');

/**
 * Provides {@link TokenVerifier}, authenticates requests to routes with `@RequireScope()`, and bounds those that fail. Global.
 */
@Module({})
export class AuthModule implements OnModuleInit {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: AuthOptions,
    private readonly verifier: TokenVerifier,
    private readonly failures: FailedAuthentications,
    private readonly adapterHost: HttpAdapterHost,
    @Optional() @Inject(COOKIE_SESSIONS) private readonly sessions?: CookieSessions,
  ) {}

  static forRoot(options: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [
        { provide: AUTH_OPTIONS, useValue: options },
        { provide: TokenVerifier, useValue: new TokenVerifier(options) },
        { provide: FailedAuthentications, useValue: new FailedAuthentications(options.failures) },
      ],
      exports: [TokenVerifier, FailedAuthentications],
    };
  }

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter?.getInstance<FastifyInstance>();
    if (fastify !== undefined) {
      authenticate(fastify, this.verifier, this.sessions);
      examineErrors(fastify.server, (error, request) => this.failures.count(error, request));
    }
    if (this.options.kind !== 'open') return;
    new Logger(AuthModule.name).warn(
      'authentication is disabled because no AUTH_ variable is set; only loopback connections are accepted',
    );
  }
}
