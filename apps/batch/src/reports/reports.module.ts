import { Module } from '@nestjs/common';
import { ReportsController } from './reports.controller.js';

/** Reports over HTTP. */
@Module({ controllers: [ReportsController] })
export class ReportsModule {}
