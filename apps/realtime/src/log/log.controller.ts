import type { RecordBatch } from '@hailstream/log';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { decoders } from './decode.js';
import { FoldService } from './fold.service.js';

/** The topics that the city is folded from. */
@Controller()
export class LogController {
  constructor(private readonly foldService: FoldService) {}

  @EventPattern([...decoders.keys()])
  fold(@Payload() batch: RecordBatch): Promise<void> {
    return this.foldService.fold(batch);
  }
}
