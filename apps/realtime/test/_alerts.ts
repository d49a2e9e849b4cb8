import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  alertTopic,
  alertValidator,
  decodeValue,
  type AlertPage,
  type AlertRecord,
} from '@hailstream/events';
import { createAdmin, createRangeReader } from '@hailstream/log';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { telemetry } from '../src/fold/events.fixture.js';
import { append, getJson, temporaryFolder, type Realtime } from './_util.js';

const logger = pino({ level: 'silent' });

const INSIDE = { lat: 43.735, lng: 7.425 };
export const OUTSIDE = { lat: 43.745, lng: 7.425 };

const ring = [
  [7.42, 43.73],
  [7.43, 43.73],
  [7.43, 43.74],
  [7.42, 43.74],
  [7.42, 43.73],
];

/** A zone around {@link INSIDE}. */
export function zoneFeature(id: string, name: string): object {
  return { type: 'Feature', id, properties: { name }, geometry: { type: 'Polygon', coordinates: [ring] } };
}

/** Writes the zone `station` and rules to files. Returns the variables that name them. */
export async function ruleFiles(
  rules: string,
): Promise<AsyncDisposable & { readonly env: Record<string, string> }> {
  const folder = await temporaryFolder();
  const [zones, alerts] = [join(folder.path, 'zones.geojson'), join(folder.path, 'alerts.yaml')];
  const features = [zoneFeature('station', 'Station')];
  await writeFile(zones, JSON.stringify({ type: 'FeatureCollection', features }));
  await writeFile(alerts, `rules:\n${rules}\n`);
  return {
    env: { REALTIME_ZONES: zones, REALTIME_ALERTS: alerts },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Lets a vehicle enter the zone: a position outside, and one inside that is received now. */
export async function enter(
  brokerAddress: string,
  vehicle: { readonly device_id: string; readonly provider_id?: string },
): Promise<void> {
  const now = Date.now();
  await append(brokerAddress, [
    telemetry({ ...vehicle, timestamp: now - 20_000, location: OUTSIDE }),
    telemetry({ ...vehicle, timestamp: now, location: INSIDE }),
  ]);
}

/** The alerts of a service once a condition holds. */
export async function untilAlerts(
  { url }: Realtime,
  holds: (page: AlertPage) => boolean,
  token?: string,
): Promise<AlertPage> {
  let page: AlertPage | null = null;
  await until(
    async () => {
      page = (await getJson<AlertPage>(`${url}/alerts`, token)).body;
      return holds(page);
    },
    { what: 'alerts', timeoutMs: 30_000 },
  );
  return page!;
}

/** Every record of `ride.alerts`, as any consumer reads it. */
export async function alertRecords(brokerAddress: string): Promise<AlertRecord[]> {
  const connection = { brokers: [brokerAddress], clientId: 'test' };
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics([alertTopic]);
  await using reader = createRangeReader({ connection, logger });
  const read = await reader.readRange({
    ranges: [{ topic: alertTopic.name, from: 'earliest', to: 'latest' }],
  });
  const records: AlertRecord[] = [];
  for await (const batch of read) {
    for (const { key, value } of batch.records) {
      const record = decodeValue(alertValidator, value);
      if (key?.toString() !== record.alert_id)
        throw new Error(`the key of ${record.alert_id} is ${String(key)}`);
      records.push(record);
    }
  }
  return records;
}
