import { fileURLToPath } from 'node:url';
import { readCityFile } from '@hailstream/events/city-file';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildRoadGraph, buildRoadNetwork, MapMatcher, type RoadNetwork } from '../src/index.js';
import { compareRoutes, randomDrive, seededRandom, withNoise, type KnownDrive } from '../src/testing.js';

const DRIVES = 8;
const HOUR_SECONDS = 3_600;

describe('traces of known drives in Monaco', () => {
  let network: RoadNetwork;
  let drives: KnownDrive[];

  beforeAll(() => {
    const city = readCityFile(fileURLToPath(new URL('../../../cities/monaco.geojson', import.meta.url)));
    network = buildRoadNetwork(city.features);
    const graph = buildRoadGraph(city);
    const random = seededRandom(2_024);
    drives = Array.from({ length: DRIVES }, () => randomDrive(graph, { seconds: HOUR_SECONDS, random }));
  });

  /** Shares of the driven length that were matched, and that were matched but not driven; breaks. */
  function accuracy(everySeconds: number): {
    correct: number;
    added: number;
    breaks: number;
    length: number;
  } {
    const matcher = new MapMatcher(network);
    const random = seededRandom(everySeconds);
    let [driven, correct, added, breaks, length] = [0, 0, 0, 0, 0];
    for (const drive of drives) {
      const noisy = withNoise(drive.points, { meters: 5, random });
      const matched = matcher.match(
        noisy.filter((_point, second) => second % everySeconds === 0 || second === noisy.length - 1),
      );
      const comparison = compareRoutes(drive, network, matched);
      driven += drive.meters;
      correct += comparison.correct;
      added += comparison.added;
      breaks += matched.breaks.length;
      length += matched.meters;
    }
    return { correct: correct / driven, added: added / driven, breaks, length: length / driven };
  }

  it('are matched to at least 99.5 % of their length with a point per second, and noise adds nothing', () => {
    const { correct, added, breaks, length } = accuracy(1);
    expect(correct).toBeGreaterThanOrEqual(0.995);
    expect(added).toBeLessThan(0.005);
    expect(Math.abs(length - 1)).toBeLessThan(0.005);
    expect(breaks).toBe(0);
  });

  it.each([
    [10, 0.985],
    [30, 0.96],
    [60, 0.92],
  ])('are matched with a point every %d seconds', (everySeconds, least) => {
    const { correct, breaks } = accuracy(everySeconds);
    expect(correct).toBeGreaterThanOrEqual(least);
    expect(breaks).toBe(0);
  });
});
