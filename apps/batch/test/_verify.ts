import { eventRegistry, telemetryFamily, type Telemetry } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { deleteRecords, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import type { TopicVerification, VerifyResult } from '../src/verify/verify-result.js';
import type { VerifyOptions } from '../src/verify/verifier.service.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTrack,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

const topic = telemetryFamily.topic.name;
/** The topics that are loaded. */
export const topics = eventRegistry.families.flatMap((family) =>
  family.table === null ? [] : [family.topic.name],
);

/** A log and a database, and changes of them that `verify` must find. */
export class VerifyScene implements AsyncDisposable {
  private constructor(
    readonly broker: TestBroker,
    readonly database: TestDatabase,
  ) {}

  static async create(): Promise<VerifyScene> {
    return new VerifyScene(...(await Promise.all([startTestBroker(), createTestDatabase()])));
  }

  async load(chunkRecords = 1_000): Promise<void> {
    await using runner = await createLoadRunner(this.broker, this.database, { chunkRecords });
    await runner.load(new AbortController().signal);
  }

  async verify(given: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
    await using runner = await createLoadRunner(this.broker, this.database);
    return await runner.verify({
      topics,
      from: { kind: 'earliest' },
      to: { kind: 'latest' },
      partition: undefined,
      ...given,
    });
  }

  async verifyTelemetry(
    given: Partial<VerifyOptions> = {},
  ): Promise<TopicVerification & { readonly ok: boolean }> {
    const result = await this.verify({ topics: [topic], ...given });
    return { ok: result.ok, ...result.topics[topic]! };
  }

  async loadTrack(points = 200): Promise<Telemetry[]> {
    const track = makeTrack({ points, devices: 20 });
    await append(this.broker, topic, toRecords(track));
    await this.load();
    return track;
  }

  async deleteRow({ telemetry_id: id }: Telemetry): Promise<void> {
    const deleted = await this.database.query(
      'DELETE FROM ride.telemetry WHERE telemetry_id = $1 RETURNING 1',
      [id],
    );
    if (deleted.length !== 1) throw new Error(`there is no row ${id}`);
  }

  /** Inserts a copy of some row, with another id, which is returned. */
  async insertRow(receivedAt = 'received_at', time = '"timestamp"'): Promise<string> {
    return this.database.one<string>(
      `INSERT INTO ride.telemetry (telemetry_id, device_id, provider_id, "timestamp", lat, lng, h3_cell, received_at)
       SELECT gen_random_uuid(), device_id, provider_id, ${time}, lat, lng, h3_cell, ${receivedAt}
       FROM ride.telemetry ORDER BY telemetry_id LIMIT 1 RETURNING telemetry_id`,
    );
  }

  /** Moves the position of the partition with the most records. */
  async moveBusiestPosition(by: number): Promise<{ partition: number; position: number }> {
    const [moved] = await this.database.query<{ partition: number; position: string }>(
      `UPDATE ride.log_positions SET next_offset = next_offset + $1
       WHERE topic = $2 AND partition = (
         SELECT partition FROM ride.log_positions WHERE topic = $2 ORDER BY next_offset DESC LIMIT 1)
       RETURNING partition, next_offset AS position`,
      [by, topic],
    );
    return { partition: moved!.partition, position: Number(moved!.position) };
  }

  /** Deletes the records before an offset of every partition that has that many; with -1 all of them. */
  async deleteRecordsBefore(offset: bigint): Promise<void> {
    await using admin = createAdmin({ connection: connectionTo(this.broker), logger: silent });
    for (const [partition, { latest }] of await admin.offsets(topic)) {
      if (latest > 0n && latest >= offset) {
        await deleteRecords(this.broker, { topic, partition, offset: offset < 0n ? latest : offset });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.broker[Symbol.asyncDispose](), this.database[Symbol.asyncDispose]()]);
  }
}
