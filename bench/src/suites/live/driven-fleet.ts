import { randomUUID } from 'node:crypto';
import { telemetryFamily, type Telemetry } from '@hailstream/events';
import { createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';

/** Events are appended this often. */
const APPEND_EVERY_MS = 50;

const METERS_PER_DEGREE = 111_195;
const AREA = { west: 7.395, south: 43.715, width: 0.06, height: 0.05 } as const;

interface Fleet {
  readonly vehicles: number;
  /** The others stand. @default all vehicles */
  readonly moving?: number;
}

/** A fleet whose vehicles drive in circles of 50 m; each sends its position once a second. */
export function driveFleet(brokerUrl: string, { vehicles, moving = vehicles }: Fleet): AsyncDisposable {
  const logger = createLogger({ name: 'bench', level: 'silent' });
  const producer = createProducer({ connection: { brokers: [brokerUrl], clientId: 'bench' }, logger });
  const ids = Array.from({ length: vehicles }, () => randomUUID());
  const startedAt = performance.now();
  let sent = 0;
  let failure: Error | null = null;
  const { topic, key } = telemetryFamily;
  const append = async (): Promise<void> => {
    const due = Math.floor(((performance.now() - startedAt) * vehicles) / 1_000);
    const records = [];
    for (; sent < due; sent += 1) {
      const event = position(ids, sent, moving);
      records.push({ topic: topic.name, key: key(event), value: Buffer.from(JSON.stringify(event)) });
    }
    const failed = (await producer.send(records)).find((result) => result.kind === 'failed');
    if (failed !== undefined) throw failed.error;
  };
  const timer = setInterval(() => {
    append().catch((error: Error) => (failure ??= error));
  }, APPEND_EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await producer[Symbol.asyncDispose]();
      if (failure !== null) throw failure;
    },
  };
}

function position(ids: readonly string[], sent: number, moving: number): Telemetry {
  const vehicle = sent % ids.length;
  // Those that move are anywhere among the others.
  const moves = (vehicle * moving) % ids.length < moving;
  const angle = (moves ? sent / ids.length / 5 : 0) + vehicle;
  const across = Math.ceil(Math.sqrt(ids.length));
  const radius = 50 / METERS_PER_DEGREE;
  return {
    device_id: ids[vehicle]!,
    provider_id: LOCAL_PROVIDER_ID,
    telemetry_id: randomUUID(),
    timestamp: Date.now(),
    location: {
      lat: AREA.south + (AREA.height * Math.floor(vehicle / across)) / across + radius * Math.cos(angle),
      lng: AREA.west + (AREA.width * (vehicle % across)) / across + radius * Math.sin(angle),
      heading: ((((angle * 180) / Math.PI + 90) % 360) + 360) % 360,
      speed: moves ? 10 : 0,
    },
  };
}
