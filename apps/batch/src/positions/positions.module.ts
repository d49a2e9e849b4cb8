import { deadLetterTopic, erasureTopic } from '@hailstream/events';
import type { Admin } from '@hailstream/log';
import { ADMIN } from '@hailstream/nest';
import { Module } from '@nestjs/common';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { TABLES, type Tables } from '../rows/tables.js';
import { KnownRecords } from './known-records.postgres.js';
import { PositionTools } from './position-tools.js';
import { LogPositions } from './positions.postgres.js';
import { PositionRepair } from './repair.postgres.js';

/** The stored positions of the loads, and the tools that show and change them. */
@Module({
  providers: [
    { provide: LogPositions, inject: [POOL], useFactory: (pool: Pool) => new LogPositions(pool) },
    { provide: KnownRecords, inject: [POOL], useFactory: (pool: Pool) => new KnownRecords(pool) },
    { provide: PositionRepair, inject: [POOL], useFactory: (pool: Pool) => new PositionRepair(pool) },
    {
      provide: PositionTools,
      inject: [ADMIN, LogPositions, PositionRepair, TABLES],
      useFactory: (admin: Admin, positions: LogPositions, repair: PositionRepair, tables: Tables) =>
        new PositionTools(admin, positions, repair, [
          ...tables.keys(),
          erasureTopic.name,
          deadLetterTopic.name,
        ]),
    },
  ],
  exports: [LogPositions, KnownRecords, PositionTools],
})
export class PositionsModule {}
