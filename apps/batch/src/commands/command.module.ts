import { LoggingModule } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { LoadConfig } from '../config.js';
import { LoadModule, type LoadedEvents } from '../load/load.module.js';
import { BackfillModule } from '../backfill/backfill.module.js';
import { VerifyModule } from '../verify/verify.module.js';

/** The modules of the commands: without HTTP and without a schedule. */
@Module({})
export class CommandModule {
  static forRoot(config: LoadConfig, logger: Logger, events?: LoadedEvents): DynamicModule {
    return {
      module: CommandModule,
      imports: [
        LoggingModule.forRoot(logger),
        LoadModule.forRoot(config, events),
        VerifyModule,
        BackfillModule,
      ],
    };
  }
}

/** The providers of a command. `close()` disposes of them. */
export type CommandContext = Pick<INestApplicationContext, 'get' | 'close'>;

export function createCommandContext(module: DynamicModule): Promise<CommandContext> {
  return NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
}
