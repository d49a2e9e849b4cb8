import { Module, type DynamicModule } from '@nestjs/common';
import type { AuthOptions } from './auth-options.js';
import { TokenVerifier } from './token-verifier.js';

/** Makes {@link TokenVerifier}, and with it `@Scope()`, available to the whole app. */
@Module({})
export class AuthModule {
  static forRoot(options: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      providers: [{ provide: TokenVerifier, useValue: new TokenVerifier(options) }],
      exports: [TokenVerifier],
    };
  }
}
