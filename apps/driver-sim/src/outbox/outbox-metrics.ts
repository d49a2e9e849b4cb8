import { Counter, Gauge, type Registry } from 'prom-client';
import { familyNames, type Outbox } from './outbox.js';

/** Registers counters of sent events and gauges of waiting ones. */
export function registerOutboxMetrics(registry: Registry, outbox: Outbox): void {
  new Counter({
    name: 'driver_sim_events_total',
    help: 'Events by outcome: sent (at least once), accepted, rejected, retried (repeated sends) or thinned (dropped)',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(outbox.counts)) this.inc({ outcome }, count);
    },
  });
  new Gauge({
    name: 'driver_sim_events_waiting',
    help: 'Events that ingest has not accepted yet, by family',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const name of familyNames) this.set({ kind: name }, outbox.waiting(name));
    },
  });
}
