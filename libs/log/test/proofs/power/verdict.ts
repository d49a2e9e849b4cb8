import * as path from 'node:path';
import { readBatchHeader } from '../../../src/protocol/record-batch.js';
import { OFFSETS_TOPIC } from '../../../src/broker/storage/topics/internal-topics.js';
import type { PartitionLog } from '../../../src/broker/storage/partition/partition-log.js';
import type { Disk } from './disk.js';
import type { Appended, History, PartitionHistory, TopicHistory } from './history.js';
import { DATA_DIR, readAll, type ReadRecord, type System } from './system.js';
import { batchOf } from './workload.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const LEFTOVERS = /(\.(tmp|cleaned|deleted)|-delete|-stray)$/;

/** A guarantee was broken. */
class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** The records that a partition serves. */
export interface Served {
  readonly topic: TopicHistory;
  readonly index: number;
  readonly log: PartitionLog;
  readonly records: readonly ReadRecord[];
}

/**
 * Compares what a broker serves after a power failure with the history up to that moment.
 *
 * @throws BrokenPromiseError if it lacks durable data or serves wrong data
 */
export async function expectKept(history: History, system: System, moment: number): Promise<Served[]> {
  const served: Served[] = [];
  for (const topic of existing(history, system, moment)) {
    const logs = system.store.topic(topic.name)?.partitions ?? [];
    for (const [index, log] of logs.entries()) {
      const records = await readAll(log);
      served.push({ topic, index, log, records });
      const partition = topic.partitions[index];
      const where = partitionName(topic.name, index);
      // A partition that was being created when the power failed must be empty.
      if (partition === undefined) require(records.length === 0, `${where} has records`);
      else expectPartition({ topic, partition, log, records, where, moment });
    }
  }
  expectCommits(history, system, moment);
  const id = await system.ids.next();
  require(history.producerIds.every(
    (given) => given.at > moment || given.id < id,
  ), `producer id ${id} was assigned twice`);
  return served;
}

/** The histories of the broker's topics. */
function existing(history: History, system: System, moment: number): TopicHistory[] {
  const found: TopicHistory[] = [];
  for (const { name, partitions } of system.store.all()) {
    if (name === OFFSETS_TOPIC) continue;
    const topic = history.topics.findLast((each) => each.name === name && each.mayExist(moment));
    if (topic === undefined) throw new BrokenPromiseError(`topic ${name} should not exist`);
    const sizes = topic.sizes.filter(({ from }) => from <= moment).map(({ count }) => count);
    const least = Math.max(
      ...topic.sizes.filter(({ at }) => at !== undefined && at <= moment).map(({ count }) => count),
    );
    require(sizes.includes(partitions.length), `${name} has ${partitions.length} partitions`);
    require(partitions.length >= least, `${name} has ${partitions.length} of ${least} partitions`);
    found.push(topic);
  }
  for (const topic of history.topics) {
    require(!topic.mustExist(moment) || found.includes(topic), `topic ${topic.name} is missing`);
  }
  return found;
}

interface PartitionCase {
  readonly topic: TopicHistory;
  readonly partition: PartitionHistory;
  readonly log: PartitionLog;
  readonly records: readonly ReadRecord[];
  readonly where: string;
  readonly moment: number;
}

function expectPartition(each: PartitionCase): void {
  const { partition, log, where, moment, topic, records } = each;
  const deleted = partition.deletedBefore.findLast(({ at }) => at <= moment);
  const start = log.logStartOffset;
  require(start <= partition.latestStart(moment), `${where} starts at ${start}, beyond what was deleted`);
  if (deleted !== undefined) {
    const lost = start < deleted.offset && records.some(({ offset }) => offset < deleted.offset);
    require(!lost, `${where} starts at ${start}, before ${deleted.offset}, which DeleteRecords set`);
  }
  expectOnlyWhatWasSent(each);
  if (topic.isCompacted) expectNewestOfKeys(each);
  else {
    records.forEach(({ offset }, i) => {
      require(offset === start + BigInt(i), `${where} lacks offset ${start + BigInt(i)}`);
    });
    expectSafeRecords(each);
  }
}

/** Verifies that nothing is served that was not sent, at another offset than acknowledged, twice, or out of order. */
function expectOnlyWhatWasSent({ partition, records, where, moment, topic }: PartitionCase): void {
  const sent = new Map<string, { batch: Appended; i: number }>();
  for (const batch of partition.batches) {
    if (batch.startedAt > moment) continue;
    batch.records.forEach(({ value }, i) => {
      if (value !== null) sent.set(value, { batch, i });
    });
  }
  const lastSequence = new Map<number, number>();
  let previous = -1n;
  for (const { offset, value } of records) {
    require(offset > previous, `${where} has offset ${offset} after ${previous}`);
    previous = offset;
    if (value === null) continue;
    const origin = sent.get(value);
    if (origin === undefined)
      throw new BrokenPromiseError(`${where} has ${value} at ${offset}, which was not sent`);
    const { batch, i } = origin;
    if (batch.answer !== undefined) {
      const acknowledged = batch.answer.baseOffset + BigInt(i);
      require(acknowledged ===
        offset, `${where} has ${value} at ${offset}, but ${acknowledged} was acknowledged`);
    }
    const sequence = batch.firstSequence + i;
    const last = lastSequence.get(batch.producer);
    const inOrder = last === undefined || (topic.isCompacted ? sequence > last : sequence === last + 1);
    require(inOrder, `${where} has sequence ${sequence} of producer ${batch.producer} after ${last}`);
    lastSequence.set(batch.producer, sequence);
  }
}

function expectSafeRecords({ partition, records, where, moment }: PartitionCase): void {
  const offsets = new Set(records.map(({ offset }) => offset));
  const start = partition.latestStart(moment);
  for (const { answer, records: sent, safeAt } of partition.batches) {
    if (answer === undefined || safeAt === undefined || safeAt > moment) continue;
    sent.forEach(({ value }, i) => {
      const offset = answer.baseOffset + BigInt(i);
      require(offset < start || offsets.has(offset), `${where} has lost ${value} at ${offset}`);
    });
  }
}

function expectNewestOfKeys({ partition, records, where, moment }: PartitionCase): void {
  const newest = new Map<string, { offset: bigint; value: string | null }>();
  for (const { answer, records: sent, safeAt } of partition.batches) {
    if (answer === undefined || safeAt === undefined || safeAt > moment) continue;
    sent.forEach(({ key, value }, i) => {
      const offset = answer.baseOffset + BigInt(i);
      if (offset > (newest.get(key)?.offset ?? -1n)) newest.set(key, { offset, value });
    });
  }
  for (const [key, { offset, value }] of newest) {
    const served = records.findLast((record) => record.key === key);
    if (served === undefined)
      require(value === null, `${where} has lost ${value} of key ${key} at ${offset}`);
    else
      require(served.offset >=
        offset, `${where} serves ${served.value} of key ${key}, which is older than ${value}`);
  }
}

function expectCommits(history: History, system: System, moment: number): void {
  const begun = history.commits.filter(({ startedAt }) => startedAt <= moment);
  for (const { group, topic, partition } of begun) {
    const commitsOfPartition = begun.filter((commit) => commit.partition === partition);
    const safe = commitsOfPartition.findLast(({ safeAt }) => safeAt !== undefined && safeAt <= moment);
    const found = system.coordinator.committed(group, topic, partition)?.offset;
    const allowed = commitsOfPartition.filter(({ offset }) => safe === undefined || offset >= safe.offset);
    const isRetained =
      found === undefined ? safe === undefined : allowed.some(({ offset }) => offset === found);
    require(isRetained, `the offset of ${group} in ${partitionName(topic, partition)} is ${found}, not ${safe?.offset}`);
  }
}

/**
 * Verifies that a repeated batch is recognized and the next one accepted.
 * @throws BrokenPromiseError if it is not
 */
export async function expectProducersGoOn(
  served: readonly Served[],
  { moment, now }: { moment: number; now: number },
): Promise<void> {
  for (const { topic, index, log, records } of served) {
    const partition = topic.partitions[index];
    for (const producer of partition?.producers() ?? []) {
      const batches = sentBy(producer, partition, moment);
      const lasting = batches.findLast(
        ({ answer }) => answer !== undefined && wasKept(answer.baseOffset, records),
      );
      const all = batches.every(({ safeAt }) => safeAt !== undefined && safeAt <= moment);
      const last = all ? batches.at(-1) : lasting;
      // The last batch before the end is known only if a part of it remains.
      if (last?.answer === undefined || (topic.isCompacted && !all)) continue;
      const where = `${partitionName(topic.name, index)}, producer ${producer}`;
      const repeat = batchOf(last, now);
      const before = log.highWatermark;
      const repeated = await log
        .append(repeat, readBatchHeader(repeat))
        .catch(asBroken(`${where}: a repeat`));
      const known = repeated.baseOffset === last.answer.baseOffset && log.highWatermark === before;
      require(known, `${where}: a repeat of ${last.answer.baseOffset} was stored at ${repeated.baseOffset}`);
      const next = batchOf(
        {
          ...last,
          firstSequence: last.firstSequence + last.records.length,
          records: [{ key: 'next', value: `next of ${producer}` }],
        },
        now,
      );
      await log.append(next, readBatchHeader(next)).catch(asBroken(`${where}: the next batch`));
    }
  }
}

function sentBy(producer: number, partition: PartitionHistory | undefined, moment: number): Appended[] {
  return (partition?.batches ?? []).filter(
    (batch) => batch.producer === producer && batch.startedAt <= moment,
  );
}

function wasKept(offset: bigint, records: readonly ReadRecord[]): boolean {
  return records.some((record) => record.offset === offset);
}

/**
 * Verifies that no file without a topic remains.
 * @throws BrokenPromiseError if one does
 */
export function expectNoLeftovers(disk: Disk, system: System): void {
  const folders = new Set(
    system.store
      .all()
      .flatMap(({ name, partitions }) => partitions.map((_, i) => path.posix.join(DATA_DIR, `${name}-${i}`))),
  );
  const all = disk.everything();
  const known = new Set(all);
  for (const file of all) {
    require(!LEFTOVERS.test(file), `${file} remains`);
    const folder = path.posix.dirname(file);
    if (folder === DATA_DIR && /-\d+$/.test(file)) require(folders.has(file), `${file} remains`);
    if (!folders.has(folder)) continue;
    const orphan = file.endsWith('index') && !known.has(file.replace(/\.[a-z]+$/, '.log'));
    require(!orphan, `${file} belongs to no segment`);
  }
}

/** @throws BrokenPromiseError if the request is refused */
export function require(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new BrokenPromiseError(otherwise);
}

function asBroken(what: string): (error: unknown) => never {
  return (cause) => {
    throw new BrokenPromiseError(`${what} was refused: ${(cause as Error).message}`, { cause });
  };
}
