import { Module } from '@nestjs/common';
import { RetentionRunner } from './retention-runner.service.js';

/** Removal of rows that are older than `BATCH_RETENTION`. */
@Module({ providers: [RetentionRunner], exports: [RetentionRunner] })
export class RetentionModule {}
