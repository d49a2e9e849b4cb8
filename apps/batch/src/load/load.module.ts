import { deadLetterTopic, eventRegistry, type EventRegistry } from '@hailstream/events';
import { LogModule } from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import { AggregateRefresher } from '../aggregates/aggregate-refresher.service.js';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { DatabaseModule } from '../database/database.module.js';
import { ErasureModule } from '../erasure/erasure.module.js';
import { PositionsModule } from '../positions/positions.module.js';
import { RejectsModule } from '../rejects/rejects.module.js';
import { RetentionModule } from '../retention/apply/retention.module.js';
import { REGISTRY, TABLES, tablesByTopic, type Tables } from '../rows/tables.js';
import { TripsModule } from '../trips/trips.module.js';
import { LoadRunner } from './load-runner.service.js';

/** The event families that are loaded, and the tables that they are loaded into. */
export interface LoadedEvents {
  readonly registry: EventRegistry;
  readonly tables: Tables;
}

const allEvents: LoadedEvents = { registry: eventRegistry, tables: tablesByTopic };

/** Everything that a load needs. The service and the commands import it. */
@Module({})
export class LoadModule {
  static forRoot(config: LoadConfig, { registry, tables } = allEvents): DynamicModule {
    return {
      module: LoadModule,
      global: true,
      imports: [
        DatabaseModule.forRoot(config),
        LogModule.forRoot({
          connection: config.connection,
          topicPolicy: config.topicPolicy,
          rangeReader: {},
          deadLetterQueue: { topic: deadLetterTopic.name },
        }),
        PositionsModule,
        RejectsModule,
        TripsModule,
        RetentionModule,
        ErasureModule,
      ],
      providers: [
        { provide: LOAD_CONFIG, useValue: config },
        { provide: REGISTRY, useValue: registry },
        { provide: TABLES, useValue: tables },
        AggregateRefresher,
        LoadRunner,
      ],
      exports: [
        LOAD_CONFIG,
        REGISTRY,
        TABLES,
        AggregateRefresher,
        LoadRunner,
        PositionsModule,
        RejectsModule,
        TripsModule,
        RetentionModule,
        ErasureModule,
      ],
    };
  }
}
