import { applyDecorators, createParamDecorator, SetMetadata, UseGuards, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  AuthError,
  requireScope,
  type Principal,
  type Scope,
  type TokenVerifier,
} from '@hailstream/service/tokens';
import type { CookieSessions } from './cookie-sessions.js';

/** Metadata of methods with a scope that differs from that of their class. */
const SCOPE = 'hailstream:scope';

type AuthenticatedRequest = FastifyRequest & { principal?: Principal };

/**
 * Rejects requests that {@link authenticate} has not verified. The token is verified before the body is read, and guards
 * run after it.
 */
@Injectable()
class JwtGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (principal === undefined) throw new AuthError('TOKEN_MISSING', 'the request was not authenticated');
    return true;
  }
}

/** Fastify's configuration of a route with {@link RequireScope}. */
interface GuardedRouteConfig {
  readonly scope?: Scope;
}

/** Verifies the token or the session of each request to a guarded route after its headers were received and before its body is read. */
export function authenticate(
  fastify: FastifyInstance,
  verifier: TokenVerifier,
  sessions?: CookieSessions,
): void {
  fastify.addHook('onRequest', (request: AuthenticatedRequest, _reply, done) => {
    const { scope } = request.routeOptions.config as GuardedRouteConfig;
    if (scope === undefined) return done();
    try {
      const token = bearerToken(request.headers.authorization);
      const session = token === undefined ? sessions?.recall(request.headers) : undefined;
      const cached = session?.principal ?? verifier.recall(token);
      if (cached === undefined) {
        const admitted = verifier.verify(token).then((principal) => admit(request, principal, scope));
        admitted.then(() => done(), done);
        return;
      }
      admit(request, cached, scope);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
}

/** Requires a token with this scope for a route, or for all routes of a controller. */
export function RequireScope(scope: Scope): ClassDecorator & MethodDecorator {
  const guard = applyDecorators(SetMetadata(SCOPE, scope), UseGuards(JwtGuard));
  const routeConfig = RouteConfig({ scope } satisfies GuardedRouteConfig);
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (key !== undefined && descriptor !== undefined) {
      guard(target, key, descriptor);
      routeConfig(target, key, descriptor);
      return;
    }
    guard(target as never);
    // Fastify configures routes per method: a method without a scope gets the scope of its class.
    const prototype = (target as { readonly prototype: object }).prototype;
    for (const [name, method] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof method.value !== 'function' || Reflect.hasMetadata(SCOPE, method.value as object)) continue;
      routeConfig(prototype, name, method);
    }
  };
}

/** The caller of a request whose token was verified; `undefined` if the route is not guarded. */
export function principalOf(request: AuthenticatedRequest): Principal | undefined {
  return request.principal;
}

/** The {@link Principal} of a guarded request. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined)
    throw new Error('@CurrentPrincipal() is used on a route without @RequireScope()');
  return principal;
});

function admit(request: AuthenticatedRequest, principal: Principal, scope: Scope): void {
  requireScope(principal, scope);
  request.principal = principal;
}

/** The token of a header `Authorization`. @throws AuthError if it is not `Bearer` followed by a token */
export function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined)
    throw new AuthError('TOKEN_INVALID', 'Authorization must be "Bearer" followed by a token');
  return token;
}
