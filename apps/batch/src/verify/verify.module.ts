import { Module } from '@nestjs/common';
import { Verifier } from './verifier.service.js';

/** The comparison of the log with the tables. */
@Module({ providers: [Verifier], exports: [Verifier] })
export class VerifyModule {}
