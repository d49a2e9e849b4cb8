import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { HttpMetrics } from './http-metrics.service.js';
import { LogConsumerMetrics } from './log-consumer-metrics.service.js';
import { MetricsController } from './metrics.controller.js';
import { METRICS_TEXT } from './metrics.tokens.js';

/** `GET /metrics`: the process and its HTTP requests. An app adds its metrics to the injected `Registry` of prom-client. */
@Global()
@Module({
  controllers: [MetricsController],
  providers: [
    {
      provide: Registry,
      useFactory: () => {
        const registry = new Registry();
        collectDefaultMetrics({ register: registry });
        return registry;
      },
    },
    HttpMetrics,
    LogConsumerMetrics,
  ],
  exports: [Registry, HttpMetrics, LogConsumerMetrics],
})
export class MetricsModule {
  /** The module if `GET /metrics` returns more than the metrics of this process. `collect` is called once. */
  static withText(collect: (registry: Registry) => () => Promise<string>): DynamicModule {
    const text: Provider = { provide: METRICS_TEXT, useFactory: collect, inject: [Registry] };
    return { module: MetricsModule, providers: [text] };
  }
}
