import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';

/** Injects pino's `Logger` of the process. */
export const LOGGER = Symbol('Logger');

/** Provides the logger of the process as `@Inject(LOGGER)`. Global. */
@Module({})
export class LoggingModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: LoggingModule,
      global: true,
      providers: [{ provide: LOGGER, useValue: logger }],
      exports: [LOGGER],
    };
  }
}
