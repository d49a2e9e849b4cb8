import { Module, type DynamicModule } from '@nestjs/common';
import type { OidcOptions } from './oidc-options.js';
import { OidcController } from './oidc.controller.js';
import { OidcService } from './oidc.service.js';
import { OIDC_OPTIONS } from './oidc.tokens.js';

/** Signing in with an identity provider, if one is configured. */
@Module({})
export class OidcModule {
  static forRoot(options: OidcOptions | null): DynamicModule {
    if (options === null) return { module: OidcModule };
    return {
      module: OidcModule,
      controllers: [OidcController],
      providers: [{ provide: OIDC_OPTIONS, useValue: options }, OidcService],
    };
  }
}
