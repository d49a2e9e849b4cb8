import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { createPool, POOL, type Pool } from './pool.postgres.js';
import { SchemaMigrator } from './schema-migrator.service.js';

interface DatabaseOptions {
  readonly databaseUrl: string;
  readonly postgresConnections: number;
}

/** Provides the connections to Postgres and the migrator of its schema to the whole app. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(POOL) private readonly pool: Pool) {}

  static forRoot({ databaseUrl, postgresConnections }: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: POOL,
          inject: [LOGGER],
          useFactory: (logger: Logger) => createPool({ url: databaseUrl, size: postgresConnections, logger }),
        },
        SchemaMigrator,
      ],
      exports: [POOL, SchemaMigrator],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
