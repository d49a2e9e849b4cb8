import { deadLetterTopic } from '@hailstream/events';
import type { DeadLetterDetail, DeadLetterPage } from '@hailstream/events/dead-letters';
import {
  DeadLetterIndex,
  groupDeadLetters,
  selectDeadLetters,
  viewDeadLetter,
  viewDeadLetterContent,
  viewDeadLetterGroup,
  type Admin,
  type RangeReader,
} from '@hailstream/log';
import { ADMIN, LOGGER, RANGE_READER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable } from '@nestjs/common';
import type { ProviderFilter } from '../fold/city-state.js';
import { cursorAfter, isAfter, type DeadLetterQuery } from './dead-letter-query.js';
import { providerOfDeadLetter } from './provider-of-dead-letter.js';

/** Maximum number of dead letters in memory, about 1 KB each. Older ones are left out. */
const MAX_ENTRIES = 10_000;
/** Maximum number of groups in a response. */
const MAX_GROUPS = 200;
/** Maximum number of bytes of a key, a header or a value in a response. */
const MAX_PART_BYTES = 64 * 1024;
/** Within this time after an update, requests do not read the topic again. */
const FRESH_MS = 1_000;
/** Maximum time that a request waits for the topic to be read. Reading continues. */
const MAX_WAIT_MS = 2_000;

/**
 * The latest dead letters of the log. The topic is read when it is requested, from where the last request has stopped: without
 * requests it costs nothing. A provider sees the dead letters of its own events only.
 */
@Injectable()
export class DeadLettersService {
  private readonly index: DeadLetterIndex;
  private readonly logger: Logger;
  private updatedAt = Number.NEGATIVE_INFINITY;
  private updating: Promise<boolean> | undefined;

  constructor(
    @Inject(ADMIN) admin: Admin,
    @Inject(RANGE_READER) reader: RangeReader,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'dead-letters' });
    this.index = new DeadLetterIndex({
      admin,
      reader,
      logger: this.logger,
      topic: deadLetterTopic.name,
      maxEntries: MAX_ENTRIES,
      ownerOf: providerOfDeadLetter,
    });
  }

  async list({ filter, limit, after }: DeadLetterQuery, provider: ProviderFilter): Promise<DeadLetterPage> {
    const isCurrent = await this.update();
    const owner = provider ?? undefined;
    const matching = selectDeadLetters(this.index.values(), { ...filter, owner });
    const rest = after ? matching.filter((entry) => isAfter(entry, after)) : matching;
    const page = rest.slice(0, limit);
    return {
      total: matching.length,
      isCurrent,
      truncated: this.index.isTruncated,
      groups: groupDeadLetters(matching).slice(0, MAX_GROUPS).map(viewDeadLetterGroup),
      deadLetters: page.map(viewDeadLetter),
      next: rest.length > limit ? cursorAfter(page.at(-1)!) : null,
    };
  }

  /** Returns `undefined` if no dead letter that the provider may see has the id. @throws LogError if the log does not respond */
  async find(id: string, provider: ProviderFilter): Promise<DeadLetterDetail | undefined> {
    await this.update();
    const entry = this.index.get(id);
    if (entry === undefined || (provider !== null && entry.owner !== provider)) return undefined;
    const stored = await this.index.readRecord(entry);
    if (stored === undefined) return undefined;
    const { record, origin } = stored;
    return { ...viewDeadLetter(entry), ...viewDeadLetterContent(record, origin, MAX_PART_BYTES) };
  }

  /** Returns whether the index has everything that the log has. */
  private async update(): Promise<boolean> {
    if (performance.now() - this.updatedAt < FRESH_MS) return true;
    this.updating ??= this.read().finally(() => (this.updating = undefined));
    const done = new AbortController();
    try {
      return (await Promise.race([this.updating, sleep(MAX_WAIT_MS, done.signal)])) ?? false;
    } finally {
      done.abort();
    }
  }

  private async read(): Promise<boolean> {
    try {
      await this.index.update();
      this.updatedAt = performance.now();
      return true;
    } catch (error) {
      this.logger.warn({ err: error }, 'cannot read the dead-letter topic');
      return false;
    }
  }
}
