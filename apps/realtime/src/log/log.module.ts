import { Global, Module, type DynamicModule } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { ZoneBook } from '../geofences/zone-book.js';
import type { ProviderLimits } from '../limits/provider-limits.js';
import { FoldService } from './fold.service.js';
import { LogController } from './log.controller.js';
import { LogIndex } from './log-index.js';
import { LogPositions } from './positions.js';

/** Folds the records of the log into the city. */
@Global()
@Module({})
export class CityLogModule {
  static forRoot(limits: ProviderLimits): DynamicModule {
    return {
      module: CityLogModule,
      controllers: [LogController],
      providers: [
        { provide: CityState, useFactory: () => new CityState(limits) },
        { provide: LogPositions, useFactory: () => new LogPositions() },
        { provide: LogIndex, useFactory: () => new LogIndex() },
        { provide: ZoneBook, inject: [CityState], useFactory: (city: CityState) => new ZoneBook(city) },
        FoldService,
      ],
      exports: [ZoneBook, CityState, LogPositions, LogIndex, FoldService],
    };
  }
}
