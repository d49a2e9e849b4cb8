import { Module } from '@nestjs/common';
import { TimelineController } from './timeline.controller.js';
import { TripsController } from './trips.controller.js';
import { TripsService } from './trips.service.js';

/** Trips and vehicles of the past. */
@Module({ controllers: [TripsController, TimelineController], providers: [TripsService] })
export class TripsModule {}
