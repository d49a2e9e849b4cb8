import { applyDecorators, createParamDecorator, SetMetadata, UseGuards, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AuthError } from './auth.error.js';
import { requireScope, type Principal, type Scope as ScopeName } from './principal.js';
import { TokenVerifier } from './token-verifier.js';

const SCOPE = 'hailstream:scope';

type AuthenticatedRequest = FastifyRequest & { principal?: Principal };

/** Lets in who presents a token with the scope that {@link Scope} names. */
@Injectable()
export class JwtGuard implements CanActivate {
  /** By route handler: metadata is looked up along prototypes, and this is asked at every request. */
  private readonly scopes = new Map<unknown, ScopeName>();

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const scope = this.scopeOf(context);
    const token = bearerToken(request.headers.authorization);
    const known = this.verifier.recall(token);
    if (known !== undefined) return admit(request, known, scope);
    return this.verifier.verify(token).then((principal) => admit(request, principal, scope));
  }

  private scopeOf(context: ExecutionContext): ScopeName {
    const handler = context.getHandler();
    const known = this.scopes.get(handler);
    if (known !== undefined) return known;
    const scope = this.reflector.getAllAndOverride<ScopeName | undefined>(SCOPE, [
      handler,
      context.getClass(),
    ]);
    if (scope === undefined) throw new Error('JwtGuard is used on a route without @Scope()');
    this.scopes.set(handler, scope);
    return scope;
  }
}

/** Guards a controller or a route: a token with this scope is needed. */
export function Scope(scope: ScopeName): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(SCOPE, scope), UseGuards(JwtGuard));
}

/** The {@link Principal} of a guarded request. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined) throw new Error('@CurrentPrincipal() is used on a route without @Scope()');
  return principal;
});

function admit(request: AuthenticatedRequest, principal: Principal, scope: ScopeName): true {
  requireScope(principal, scope);
  request.principal = principal;
  return true;
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? [];
  if (token === undefined) throw new AuthError('TOKEN_INVALID', 'Authorization must be "Bearer" and a token');
  return token;
}
