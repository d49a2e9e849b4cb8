import { Global, Module } from '@nestjs/common';
import { RealtimeMetrics } from './realtime-metrics.service.js';

@Global()
@Module({ providers: [RealtimeMetrics], exports: [RealtimeMetrics] })
export class RealtimeMetricsModule {}
