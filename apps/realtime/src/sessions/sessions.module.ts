import { COOKIE_SESSIONS } from '@hailstream/nest';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { SessionsController } from './sessions.controller.js';
import type { SessionOptions } from './session-options.js';
import { SessionsService } from './sessions.service.js';
import { PUBLIC_URL, SESSION_OPTIONS } from './sessions.tokens.js';

/** Sessions of browsers, which open them with a token. */
@Global()
@Module({})
export class SessionsModule {
  static forRoot(options: SessionOptions, publicUrl: string): DynamicModule {
    return {
      module: SessionsModule,
      controllers: [SessionsController],
      providers: [
        { provide: SESSION_OPTIONS, useValue: options },
        { provide: PUBLIC_URL, useValue: publicUrl },
        SessionsService,
        { provide: COOKIE_SESSIONS, useExisting: SessionsService },
      ],
      exports: [SessionsService, COOKIE_SESSIONS, PUBLIC_URL],
    };
  }
}
