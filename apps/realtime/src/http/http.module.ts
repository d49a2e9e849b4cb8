import { Module, type DynamicModule } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { loadCity } from './city-file.js';
import { CityController } from './city.controller.js';
import { CITY } from './http.tokens.js';
import { StatsController } from './stats.controller.js';
import { VehiclesController } from './vehicles.controller.js';
import { VehiclesService } from './vehicles.service.js';

/** What can be asked over HTTP. */
@Module({})
export class HttpModule {
  /** @throws ConfigError where the city's file is none */
  static forRoot({ cityFile, mapStyleUrl }: RealtimeConfig['page']): DynamicModule {
    return {
      module: HttpModule,
      controllers: [CityController, VehiclesController, StatsController],
      providers: [{ provide: CITY, useValue: loadCity(cityFile, mapStyleUrl) }, VehiclesService],
    };
  }
}
