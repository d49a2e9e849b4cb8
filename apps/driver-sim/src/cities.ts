import type { CityFile } from '@hailstream/events/city-file';
import { buildRoadGraph, type RoadGraph } from '@hailstream/roads';
import { ConfigError } from '@hailstream/service/config';
import type { DriverSimConfig } from './config.js';
import { SimulatedCity } from './simulation/city.js';
import { shareVehicles } from './simulation/share-vehicles.js';
import type { TrueRide } from './simulation/true-ride.js';
import type { Emit } from './simulation/world.js';

/** @throws ConfigError if a city has no connected road network */
export function buildGraphs({ cities }: Pick<DriverSimConfig, 'cities'>): RoadGraph[] {
  return cities.map(graphOf);
}

/** Creates the configured cities, which share the vehicles. */
export function createCities(
  { cities, vehicles, seed, ingest }: DriverSimConfig,
  graphs: readonly RoadGraph[],
  run: {
    readonly startMs: number;
    readonly emit: Emit;
    readonly onRideEnded?: (ride: TrueRide) => void;
  },
): SimulatedCity[] {
  const shares = shareVehicles(
    vehicles,
    graphs.map(({ nodes }) => nodes.length),
  );
  return graphs.map((graph, index) => {
    return new SimulatedCity({
      graph,
      vehicles: shares[index]!,
      // Device ids follow from the seed: the first city has the same ones if it is alone.
      seed: index === 0 ? seed : `${seed}:${cities[index]!.name}`,
      providerId: ingest.providerId,
      ...run,
    });
  });
}

function graphOf(city: CityFile): RoadGraph {
  const graph = buildRoadGraph(city);
  if (graph.nodes.length >= 2) return graph;
  const got = `${city.name}, which has no two connected places`;
  throw new ConfigError([{ variable: 'CITY_FILE', expected: 'a city with a connected road network', got }]);
}
