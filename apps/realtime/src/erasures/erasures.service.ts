import { decodeValue, erasureTopic, erasureValidator, EventDecodeError } from '@hailstream/events';
import type { Admin, LogConnection, LogRecord } from '@hailstream/log';
import { ADMIN, LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { TopicView } from '../log/topic-view.js';

/** Drops erased riders and devices from the city. Every process reads the whole topic `ride.erasures`. */
@Injectable()
export class ErasuresService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly view: TopicView;
  private readonly logger: Logger;

  constructor(
    private readonly city: CityState,
    private readonly zones: ZoneBook,
    @Inject(LOG_CONNECTION) connection: LogConnection,
    @Inject(ADMIN) admin: Admin,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'erasures' });
    this.view = new TopicView({
      connection,
      admin,
      logger: this.logger,
      topic: erasureTopic.name,
      ensure: () => admin.ensureTopics([erasureTopic]),
      onRecord: (record) => this.apply(record),
      // What was erased remains erased, also if the log was replaced.
      onReset: () => undefined,
    });
  }

  onApplicationBootstrap(): void {
    this.view.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.view[Symbol.asyncDispose]();
  }

  private apply({ value, offset }: LogRecord): void {
    try {
      const { kind, id } = decodeValue(erasureValidator, value);
      this.city.erase({ kind, id });
      if (kind === 'device') this.zones.erase(id);
    } catch (error) {
      if (!(error instanceof EventDecodeError)) throw error;
      this.logger.warn({ err: error, offset: String(offset) }, 'skipped a record that is not an erasure');
    }
  }
}
