import { riderEventsTopic, telemetryTopic, tripsTopic, vehicleEventsTopic } from '@hailstream/events';
import type { BatchContext, RecordBatch } from '@hailstream/log';
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { FoldService } from './fold.service.js';

/** The topics that the city is folded from. */
@Controller()
export class LogController {
  constructor(private readonly foldService: FoldService) {}

  @EventPattern<string>(telemetryTopic.name)
  telemetry(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.foldService.fold(batch, context);
  }

  @EventPattern<string>(vehicleEventsTopic.name)
  vehicleEvents(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.foldService.fold(batch, context);
  }

  @EventPattern<string>(riderEventsTopic.name)
  riderEvents(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.foldService.fold(batch, context);
  }

  @EventPattern<string>(tripsTopic.name)
  trips(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.foldService.fold(batch, context);
  }
}
