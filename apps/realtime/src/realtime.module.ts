import { AuthModule, HealthModule, LoggingModule, MetricsModule } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Module, type DynamicModule } from '@nestjs/common';
import { AlertsModule } from './alerts/alerts.module.js';
import { ApiDocsModule } from './api-docs/api-docs.module.js';
import { BackfillModule } from './backfill/backfill.module.js';
import type { RealtimeConfig } from './config.js';
import { DeadLettersModule } from './dead-letters/dead-letters.module.js';
import { ErasuresModule } from './erasures/erasures.module.js';
import { FeedHealthModule } from './feed-health/feed-health.module.js';
import { HistoryModule } from './history/history.module.js';
import { KeyframesModule } from './keyframes/keyframes.module.js';
import { LiveModule } from './live/live.module.js';
import { CityLogModule } from './log/log.module.js';
import { OidcModule } from './oidc/oidc.module.js';
import { ProvidersModule } from './providers/providers.module.js';
import { RealtimeMetricsModule } from './metrics/realtime-metrics.module.js';
import { PageModule } from './page/page.module.js';
import { ReadsModule } from './reads/reads.module.js';
import { RebuildModule } from './rebuild/rebuild.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { SearchModule } from './search/search.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { StatsModule } from './stats/stats.module.js';
import { TripsModule } from './trips/trips.module.js';
import { StreamModule } from './stream/stream.module.js';
import { VehiclesModule } from './vehicles/vehicles.module.js';
import { ZonesModule } from './zones/zones.module.js';

@Module({})
export class RealtimeModule {
  static forRoot(config: RealtimeConfig, logger: Logger): DynamicModule {
    const live = LiveModule.forRoot(config.tickMs, config.live);
    return {
      module: RealtimeModule,
      imports: [
        LoggingModule.forRoot(logger),
        AuthModule.forRoot(config.auth),
        SessionsModule.forRoot(config.sessions, config.page.publicUrl),
        OidcModule.forRoot(config.oidc),
        HealthModule,
        MetricsModule,
        RealtimeMetricsModule,
        CityLogModule.forRoot(config.vehicles),
        ErasuresModule,
        FeedHealthModule,
        KeyframesModule.forRoot(config.history),
        RebuildModule.forRoot(config.log),
        HistoryModule.forRoot({
          worker: {
            connection: config.log.connection,
            logLevel: config.logLevel,
            vehicles: config.vehicles,
          },
          limits: config.history.limits,
          tickMs: config.tickMs,
        }),
        BackfillModule,
        // Before the vehicles, whose last path has a parameter.
        ReadsModule,
        live,
        StreamModule.forRoot(live),
        VehiclesModule,
        TripsModule,
        ProvidersModule,
        SearchModule,
        StatsModule,
        DeadLettersModule,
        ReportsModule.forRoot(config.batchUrl),
        ZonesModule.forRoot(config.zones),
        AlertsModule.forRoot(config.alertRules),
        PageModule.forRoot(config.page),
        ApiDocsModule,
      ],
    };
  }
}
