import { Module } from '@nestjs/common';
import { BackfillService } from './backfill.service.js';

/** Reads the log before the moment from which the city was rebuilt. */
@Module({ providers: [BackfillService] })
export class BackfillModule {}
