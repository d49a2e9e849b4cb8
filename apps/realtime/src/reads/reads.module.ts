import { Module } from '@nestjs/common';
import { ReadsController } from './reads.controller.js';
import { ReadsService } from './reads.service.js';

@Module({ controllers: [ReadsController], providers: [ReadsService] })
export class ReadsModule {}
