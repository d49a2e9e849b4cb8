import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Zone } from '../geofences/zone.js';
import { ZonesController } from './zones.controller.js';
import { ZonesService } from './zones.service.js';
import { FILE_ZONES } from './zones.tokens.js';

/** Geofences: vehicles inside, entries, exits and dwell times. */
@Global()
@Module({})
export class ZonesModule {
  static forRoot(zones: readonly Zone[]): DynamicModule {
    return {
      module: ZonesModule,
      controllers: [ZonesController],
      providers: [{ provide: FILE_ZONES, useValue: zones }, ZonesService],
      exports: [ZonesService],
    };
  }
}
