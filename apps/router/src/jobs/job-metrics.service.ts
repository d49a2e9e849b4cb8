import type { ConsumerGap } from '@hailstream/log';
import { LogConsumerMetrics } from '@hailstream/nest';
import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import type { DeliveryCounts } from '../sinks/delivery.js';
import type { JobListener, JobStatus } from './job.js';

/** Metrics of all jobs, by name. */
@Injectable()
export class JobMetrics implements JobListener {
  private readonly records: Counter<'job' | 'result'>;
  private readonly failures: Counter<'job'>;
  private statuses: () => readonly JobStatus[] = () => [];

  constructor(
    registry: Registry,
    private readonly logMetrics: LogConsumerMetrics,
  ) {
    const registers = [registry];
    this.records = new Counter({
      name: 'router_records_total',
      help: 'Records by job and result: delivered, filtered, dead-lettered',
      labelNames: ['job', 'result'],
      registers,
    });
    this.failures = new Counter({
      name: 'router_delivery_failures_total',
      help: 'Deliveries that failed and were retried, by job',
      labelNames: ['job'],
      registers,
    });
    this.addGauges(registers);
  }

  /** Sets the source of the gauges. */
  observe(statuses: () => readonly JobStatus[]): void {
    this.statuses = statuses;
  }

  counted(job: string, { delivered, filtered, deadLettered }: DeliveryCounts): void {
    this.records.inc({ job, result: 'delivered' }, delivered);
    this.records.inc({ job, result: 'filtered' }, filtered);
    this.records.inc({ job, result: 'dead-lettered' }, deadLettered);
  }

  failed(job: string): void {
    this.failures.inc({ job });
  }

  gap(_job: string, gap: ConsumerGap): void {
    this.logMetrics.countGap(gap);
  }

  private addGauges(registers: Registry[]): void {
    const statuses = (): readonly JobStatus[] => this.statuses();
    new Gauge({
      name: 'router_lag_records',
      help: 'Records that are not delivered yet, in the partitions assigned to this process, by job',
      labelNames: ['job'],
      registers,
      collect() {
        for (const { name, lagRecords } of statuses()) this.set({ job: name }, Number(lagRecords));
      },
    });
    new Gauge({
      name: 'router_job_failing',
      help: '1 if deliveries of the job fail, otherwise 0',
      labelNames: ['job'],
      registers,
      collect() {
        for (const { name, state } of statuses()) this.set({ job: name }, state === 'failing' ? 1 : 0);
      },
    });
  }
}
