import type { City } from '@hailstream/events/live';
import { Global, Module } from '@nestjs/common';
import { AuditReader } from './audit-reader.service.js';
import { FeedMetrics } from './feed-metrics.service.js';
import { FeedsController } from './feeds.controller.js';
import { FeedsService } from '../feeds/feeds.service.js';
import { CITY } from '../page/page.tokens.js';

/** Measures the feed of each provider, and names what is wrong with it. */
@Global()
@Module({
  controllers: [FeedsController],
  providers: [
    { provide: FeedsService, inject: [CITY], useFactory: (city: City) => new FeedsService(city) },
    AuditReader,
    FeedMetrics,
  ],
  exports: [FeedsService, AuditReader],
})
export class FeedHealthModule {}
