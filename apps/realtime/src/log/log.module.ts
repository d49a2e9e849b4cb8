import { Global, Module } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { FoldService } from './fold.service.js';
import { LogController } from './log.controller.js';
import { LogPositions } from './positions.js';

/** Folds the records of the log into the city. */
@Global()
@Module({
  controllers: [LogController],
  providers: [
    { provide: CityState, useFactory: () => new CityState() },
    { provide: LogPositions, useFactory: () => new LogPositions() },
    FoldService,
  ],
  exports: [CityState, LogPositions, FoldService],
})
export class CityLogModule {}
