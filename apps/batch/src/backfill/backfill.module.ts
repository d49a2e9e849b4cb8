import { Module } from '@nestjs/common';
import { PositionsModule } from '../positions/positions.module.js';
import { Backfiller } from './backfiller.service.js';

/** Loading of records that loads have passed. */
@Module({ imports: [PositionsModule], providers: [Backfiller], exports: [Backfiller] })
export class BackfillModule {}
