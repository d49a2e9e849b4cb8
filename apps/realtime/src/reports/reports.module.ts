import { Module, type DynamicModule } from '@nestjs/common';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';
import { BATCH_URL } from './reports.tokens.js';

/** Reports of batch, for the page. */
@Module({})
export class ReportsModule {
  static forRoot(batchUrl: string | null): DynamicModule {
    return {
      module: ReportsModule,
      controllers: [ReportsController],
      providers: [{ provide: BATCH_URL, useValue: batchUrl }, ReportsService],
    };
  }
}
