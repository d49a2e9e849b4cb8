import { Module } from '@nestjs/common';
import { RejectRetrier } from './reject-retrier.service.js';

/** Records that could not be loaded. */
@Module({ providers: [RejectRetrier], exports: [RejectRetrier] })
export class RejectsModule {}
