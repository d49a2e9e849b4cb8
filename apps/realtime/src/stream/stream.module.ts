import { Module, type DynamicModule } from '@nestjs/common';
import { StreamController } from './stream.controller.js';
import { StreamService } from './stream.service.js';

/** Sends the city to programs as server-sent events. */
@Module({})
export class StreamModule {
  static forRoot(live: DynamicModule): DynamicModule {
    return {
      module: StreamModule,
      imports: [live],
      controllers: [StreamController],
      providers: [StreamService],
    };
  }
}
