import { Module } from '@nestjs/common';
import { ErasuresService } from './erasures.service.js';

/** Erasure of riders and devices. */
@Module({ providers: [ErasuresService] })
export class ErasuresModule {}
