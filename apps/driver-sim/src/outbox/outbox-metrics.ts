import { Counter, Gauge, type Registry } from 'prom-client';
import type { Outbox } from './outbox.js';
import { familyNames } from './outgoing.js';

/** Tells what became of the events, and how many wait. */
export function registerOutboxMetrics(registry: Registry, outbox: Outbox): void {
  new Counter({
    name: 'driver_sim_events_total',
    help: 'Events by what became of them: sent (once or more), accepted, rejected, retried, thinned',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(outbox.counts)) this.inc({ outcome }, count);
    },
  });
  new Gauge({
    name: 'driver_sim_events_waiting',
    help: 'Events that the devices keep because ingest has not accepted them yet',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const kind of familyNames) this.set({ kind }, outbox.waiting(kind));
    },
  });
}
