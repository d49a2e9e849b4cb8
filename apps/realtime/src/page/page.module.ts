import { Module, type DynamicModule } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { loadCity } from './city-file.js';
import { CityController } from './city.controller.js';
import { CommandsController } from './commands.controller.js';
import { CITY, PAGE_COMMANDS } from './page.tokens.js';

/** The city that the page draws. `servePage` serves the page's files. */
@Module({})
export class PageModule {
  /** @throws ConfigError if the city file cannot be read or is invalid */
  static forRoot({ cityFiles, mapStyleUrl, commands }: RealtimeConfig['page']): DynamicModule {
    return {
      module: PageModule,
      global: true,
      controllers: [CityController, CommandsController],
      providers: [
        { provide: CITY, useValue: loadCity(cityFiles, mapStyleUrl) },
        { provide: PAGE_COMMANDS, useValue: commands },
      ],
      exports: [CITY],
    };
  }
}
