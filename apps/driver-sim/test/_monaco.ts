import { fileURLToPath } from 'node:url';
import { readCityFile } from '@hailstream/events/city-file';
import type { EventOf, FamilyName } from '@hailstream/events';
import { buildRoadGraph } from '@hailstream/roads';
import { SimulatedCity, STEP_MS } from '../src/simulation/city.js';

const monacoPath = fileURLToPath(new URL('../../../cities/monaco.geojson', import.meta.url));
export const monaco = readCityFile(monacoPath);
export const monacoGraph = buildRoadGraph(monaco);

export type Emitted = { [Name in FamilyName]: { kind: Name; event: EventOf<Name> } }[FamilyName];

/** Simulates Monaco for a time, closes the simulation, and passes all events to `onEvent`. */
export function simulate(options: {
  vehicles: number;
  hours: number;
  startMs: number;
  seed?: string;
  onEvent: (emitted: Emitted) => void;
  onSecond?: (nowMs: number) => void;
}): void {
  const { vehicles, hours, startMs, seed = 'test', onEvent, onSecond } = options;
  const city = new SimulatedCity({
    graph: monacoGraph,
    vehicles,
    seed,
    providerId: '0197a1c0-6d1f-7000-8000-000000000001',
    startMs,
    emit: (kind, event) => onEvent({ kind, event } as Emitted),
  });
  const endMs = startMs + hours * 3_600_000;
  for (let nowMs = startMs + STEP_MS; nowMs <= endMs; nowMs += STEP_MS) {
    city.step(nowMs);
    if (nowMs % 1_000 === 0) onSecond?.(nowMs);
  }
  city.close(endMs);
}
