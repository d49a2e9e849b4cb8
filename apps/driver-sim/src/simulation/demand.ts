import { distanceMeters, type RoadGraph } from '@hailstream/roads';
import type { Random } from './random.js';

const HOT_SPOTS = 6;
const HOT_SPOT_RADIUS_METERS = 180;

/** Additional demand at the centre of a hot spot, relative to a street far from all hot spots. */
const HOT_SPOT_WEIGHT = 12;

/** Distribution of origins and destinations in the city: all streets, with more demand around a few hot spots. */
export class Demand {
  private readonly graph: RoadGraph;
  /** Cumulative weights of the nodes. */
  private readonly cumulative: Float64Array;

  constructor(graph: RoadGraph, random: Random) {
    this.graph = graph;
    const centres = Array.from({ length: HOT_SPOTS }, () => random.pick(graph.nodes));
    this.cumulative = new Float64Array(graph.nodes.length);
    let sum = 0;
    for (const node of graph.nodes) {
      const nearness = centres.map((centre) =>
        Math.exp(-((distanceMeters(node, centre) / HOT_SPOT_RADIUS_METERS) ** 2) / 2),
      );
      // Weighted by length, because long streets have few nodes.
      const meters = node.edges.reduce((total, edge) => total + edge.meters, 0);
      sum += meters * (1 + HOT_SPOT_WEIGHT * Math.max(...nearness));
      this.cumulative[node.index] = sum;
    }
  }

  /** Returns the index of a random node, weighted by demand. */
  place(random: Random): number {
    const target = random.fraction() * this.cumulative.at(-1)!;
    let [low, high] = [0, this.cumulative.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cumulative[middle]! <= target) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Like {@link place}, but at least `meters` from the node `origin`. */
  placeAtDistance(origin: number, meters: number, random: Random): number {
    const start = this.graph.nodes[origin]!;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const place = this.place(random);
      if (distanceMeters(start, this.graph.nodes[place]!) >= meters) return place;
    }
    // The city may be smaller than that.
    return this.graph.nodes.reduce((farthest, node) =>
      distanceMeters(start, node) > distanceMeters(start, farthest) ? node : farthest,
    ).index;
  }
}

const MAX_ATTEMPTS = 50;
