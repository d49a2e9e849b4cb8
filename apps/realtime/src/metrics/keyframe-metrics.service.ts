import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const WRITE_BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics of the keyframes. */
@Injectable()
export class KeyframeMetrics {
  private readonly writes: Histogram;
  private readonly failures: Counter;
  private readonly stored: Gauge;
  private readonly storedBytes: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.writes = new Histogram({
      name: 'realtime_keyframe_write_seconds',
      help: 'Duration of writing a keyframe, which is interrupted by ticks and batches',
      buckets: WRITE_BUCKETS_SECONDS,
      registers,
    });
    this.failures = new Counter({
      name: 'realtime_keyframe_failures_total',
      help: 'Keyframes that could not be written, read or removed',
      registers,
    });
    this.stored = new Gauge({ name: 'realtime_keyframes', help: 'Keyframes on the disk', registers });
    this.storedBytes = new Gauge({
      name: 'realtime_keyframe_bytes',
      help: 'Size of the keyframes on the disk',
      registers,
    });
  }

  countWritten(seconds: number): void {
    this.writes.observe(seconds);
  }

  countFailure(): void {
    this.failures.inc();
  }

  setStored({ count, sizeBytes }: { readonly count: number; readonly sizeBytes: number }): void {
    this.stored.set(count);
    this.storedBytes.set(sizeBytes);
  }
}
