import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

/** Metrics of the bounds of clients. */
@Injectable()
export class LiveMetrics {
  private readonly refusals: Counter<'code'>;

  constructor(registry: Registry) {
    this.refusals = new Counter({
      name: 'realtime_refusals_total',
      help: 'Connections and messages of clients that were refused, by code',
      labelNames: ['code'],
      registers: [registry],
    });
  }

  countRefusal(code: string): void {
    this.refusals.inc({ code });
  }
}
