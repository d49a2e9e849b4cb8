import * as fs from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { HOUR_MS } from '../../_util.js';
import type { Random } from '@hailstream/service/testing';

const VEHICLES = 2_000;
const STEP_MS = 10;

/** A vehicle, numbered from 0, at a place and time. */
interface Movement {
  readonly vehicle: number;
  readonly atMs: number;
  readonly lat: number;
  readonly lng: number;
}

/** Movements in the order of time, `count` of them, the last one not after `endMs`, the first at a full hour. */
interface Period {
  readonly count: number;
  readonly endMs: number;
}

/** Vehicles that move at random. */
export function* randomMovements(random: Random, { count, endMs }: Period): Generator<Movement> {
  const startMs = fullHour(endMs - count * STEP_MS);
  const places = Array.from({ length: VEHICLES }, () => ({
    lat: 43.72 + random.fraction() / 20,
    lng: 7.4 + random.fraction() / 20,
  }));
  for (let step = 1; step <= count; step += 1) {
    const vehicle = random.below(VEHICLES);
    const place = places[vehicle]!;
    place.lat += (random.fraction() - 0.5) / 5_000;
    place.lng += (random.fraction() - 0.5) / 5_000;
    yield { vehicle, atMs: startMs + step * STEP_MS, ...place };
  }
}

/**
 * The movements of a recording, which is moved in time and repeated as often as `count` requires.
 *
 * @param file CSV with the columns `cab,ts,lat,lon`, `ts` in Unix seconds and ascending, compressed with gzip if its name ends in
 *   `.gz`; lines without a valid position are left out
 * @throws Error if the file has no movements
 */
export async function recordedMovements(file: string, period: Period): Promise<Generator<Movement>> {
  const bytes = await fs.readFile(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').slice(1);
  const cabs = new Map<string, number>();
  const recording: Movement[] = [];
  for (const line of lines) {
    const [cab, seconds, lat, lng] = line.split(',');
    const place = { atMs: Number(seconds) * 1_000, lat: Number(lat), lng: Number(lng) };
    if (cab === undefined || !isValid(place)) continue;
    const vehicle = cabs.get(cab) ?? cabs.size;
    cabs.set(cab, vehicle);
    recording.push({ vehicle, ...place });
  }
  if (recording.length === 0) throw new Error(`${file} has no movements`);
  return repeated(recording, period);
}

function* repeated(recording: readonly Movement[], { count, endMs }: Period): Generator<Movement> {
  const firstMs = recording[0]!.atMs;
  const durationMs = recording.at(-1)!.atMs - firstMs + 1_000;
  const startMs = fullHour(endMs - Math.ceil(count / recording.length) * durationMs);
  for (let index = 0; index < count; index += 1) {
    const movement = recording[index % recording.length]!;
    const repetition = Math.floor(index / recording.length);
    yield { ...movement, atMs: startMs + repetition * durationMs + (movement.atMs - firstMs) };
  }
}

function isValid({ atMs, lat, lng }: Omit<Movement, 'vehicle'>): boolean {
  return atMs > 0 && Math.abs(lat) <= 90 && Math.abs(lng) <= 180;
}

function fullHour(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) * HOUR_MS;
}
