import { Module } from '@nestjs/common';
import { TripRebuilder } from './trip-rebuilder.service.js';

/** Trips rebuilt from events and telemetry. */
@Module({ providers: [TripRebuilder], exports: [TripRebuilder] })
export class TripsModule {}
