import { riderEventsTopic, telemetryTopic, tripsTopic, vehicleEventsTopic } from '@hailstream/events';
import type { RecordBatch } from '@hailstream/log';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { FoldService } from './fold.service.js';

/** The topics that the city is folded from. */
@Controller()
export class LogController {
  constructor(private readonly foldService: FoldService) {}

  @EventPattern<string>(telemetryTopic.name)
  telemetry(@Payload() batch: RecordBatch): void {
    this.foldService.fold(batch);
  }

  @EventPattern<string>(vehicleEventsTopic.name)
  vehicleEvents(@Payload() batch: RecordBatch): void {
    this.foldService.fold(batch);
  }

  @EventPattern<string>(riderEventsTopic.name)
  riderEvents(@Payload() batch: RecordBatch): void {
    this.foldService.fold(batch);
  }

  @EventPattern<string>(tripsTopic.name)
  trips(@Payload() batch: RecordBatch): void {
    this.foldService.fold(batch);
  }
}
