import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { Admission, refusals } from './admission.js';
import { AdmittedRequests } from './admitted-requests.js';

/** Provides {@link AdmittedRequests}, and exports the metrics of {@link Admission}. */
@Module({})
export class AdmissionModule {
  constructor(@Inject(AdmittedRequests) { admission }: AdmittedRequests, registry: Registry) {
    exportMetrics(admission, registry);
  }

  static forRoot(requests: AdmittedRequests): DynamicModule {
    const providers = [{ provide: AdmittedRequests, useValue: requests }];
    return { module: AdmissionModule, global: true, providers, exports: providers };
  }
}

function exportMetrics(admission: Admission, registry: Registry): void {
  new Counter({
    name: 'ingest_refused_requests_total',
    help: 'Requests refused before their bodies were processed, by reason: a provider beyond its rate or share, a slow body, or overload',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const reason of refusals) this.inc({ reason }, admission.refusedCount(reason));
    },
  });
  new Gauge({
    name: 'ingest_body_bytes',
    help: 'Bytes of the bodies of requests that are not answered yet',
    registers: [registry],
    collect() {
      this.set(admission.heldBytes);
    },
  });
  new Gauge({
    name: 'ingest_log_queue_seconds',
    help: 'Estimated time that a record waits until the log acknowledges it',
    registers: [registry],
    collect() {
      this.set(admission.logQueueMs / 1_000);
    },
  });
}
