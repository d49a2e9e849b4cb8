import { Module } from '@nestjs/common';
import { Eraser } from './eraser.service.js';

/** Erasure of riders and devices. */
@Module({ providers: [Eraser], exports: [Eraser] })
export class ErasureModule {}
