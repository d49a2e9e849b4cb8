import { fileURLToPath } from 'node:url';
import { readCityFile } from '@hailstream/events/city-file';
import { buildRoadGraph, buildRoadNetwork, MapMatcher, type RoadNetwork } from '@hailstream/roads';
import {
  compareRoutes,
  randomDrive,
  seededRandom,
  withNoise,
  type KnownDrive,
} from '@hailstream/roads/testing';
import type { Figure } from '../harness/report.js';
import type { Effort, Suite } from '../harness/suite.js';

const DRIVES = 24;
const NOISE_METERS = 5;

/** Seconds between two points, and the least share of the length that must be right. */
const INTERVALS = [
  { everySeconds: 1, least: 99.5 },
  { everySeconds: 10, least: undefined },
  { everySeconds: 30, least: undefined },
  { everySeconds: 60, least: undefined },
] as const;

/** Correlation of the noise of two following seconds: none, and that of a receiver between high buildings. */
const CORRELATIONS = [0, 0.9] as const;

const LEAST_POINTS_PER_SECOND = 5_000;

/** Accuracy and rate of map matching, of drives with known routes. */
export const matchingSuite: Suite = {
  name: 'matching',
  run: (effort, say) => Promise.resolve(measure(effort, say)),
};

function measure(effort: Effort, say: (what: string) => void): Figure[] {
  const path = effort.city ?? fileURLToPath(new URL('../../../cities/monaco.geojson', import.meta.url));
  const city = readCityFile(path);
  const network = buildRoadNetwork(city.features);
  const graph = buildRoadGraph(city);
  const random = seededRandom(1);
  const seconds = effort.roundMs < 5_000 ? 300 : 3_600;
  const drives = Array.from({ length: DRIVES }, () => randomDrive(graph, { seconds, random }));
  const kilometers = drives.reduce((sum, { meters }) => sum + meters, 0) / 1_000;
  say(`${city.name}: ${network.edgeCount} edges, ${DRIVES} drives of ${kilometers.toFixed(0)} km in total`);
  const rows: Figure[] = [];
  for (const correlation of CORRELATIONS) {
    for (const { everySeconds, least } of INTERVALS) {
      const what = `${city.name}, ${correlation === 0 ? 'white' : 'correlated'} noise, every ${everySeconds} s`;
      say(what);
      const result = matchAll(network, drives, { everySeconds, correlation, rounds: effort.rounds });
      const figure = (name: string, value: number, unit: string, target: Figure['target'] = null): void => {
        rows.push({ kind: 'figure', name: `${what}: ${name}`, value, unit, target });
      };
      const hasTarget = least !== undefined && correlation === 0;
      figure('matched', result.matched, '%', hasTarget ? { atLeast: least } : null);
      figure('added', result.added, '%');
      figure('length', result.length, '%');
      figure('breaks', result.breaks, 'breaks');
      const isOften = everySeconds === 1;
      figure('rate', result.rate, 'points/s', isOften ? { atLeast: LEAST_POINTS_PER_SECOND } : null);
    }
  }
  return rows;
}

/**
 * Percentages are of the driven length. The rate is per second of processor time: the median of the rounds, each with a new
 * matcher.
 */
function matchAll(
  network: RoadNetwork,
  drives: readonly KnownDrive[],
  options: { everySeconds: number; correlation: number; rounds: number },
): { matched: number; added: number; length: number; breaks: number; rate: number } {
  const random = seededRandom(options.everySeconds);
  const traces = drives.map(({ points }) =>
    withNoise(points, { meters: NOISE_METERS, correlation: options.correlation, random }).filter(
      (_point, second) => second % options.everySeconds === 0 || second === points.length - 1,
    ),
  );
  const points = traces.reduce((sum, trace) => sum + trace.length, 0);
  const rates: number[] = [];
  let [driven, correct, added, length, breaks] = [0, 0, 0, 0, 0];
  for (let round = 0; round < options.rounds; round += 1) {
    const before = process.cpuUsage();
    const matcher = new MapMatcher(network);
    const results = traces.map((trace) => matcher.match(trace));
    const { user, system } = process.cpuUsage(before);
    rates.push((points / (user + system)) * 1_000_000);
    if (round > 0) continue;
    for (const [index, matched] of results.entries()) {
      const comparison = compareRoutes(drives[index]!, network, matched);
      driven += drives[index]!.meters;
      correct += comparison.correct;
      added += comparison.added;
      length += matched.meters;
      breaks += matched.breaks.length;
    }
  }
  const percent = (meters: number): number => (meters / driven) * 100;
  const rate = rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)]!;
  return { matched: percent(correct), added: percent(added), length: percent(length), breaks, rate };
}
