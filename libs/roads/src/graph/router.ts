import { Chords } from '../geo/geo.js';
import { MinHeap } from './min-heap.js';
import type { RoadEdge, RoadGraph } from './road-graph.js';

/** A sequence of adjacent edges. */
export interface Route {
  readonly edges: readonly RoadEdge[];
  readonly meters: number;
  /** Duration at the speed limits. */
  readonly seconds: number;
}

/** Finds the fastest routes in a road graph with A*. The heuristic is the chord at the highest speed. */
export class Router {
  private readonly graph: RoadGraph;
  private readonly chords: Chords;
  private readonly seconds: Float64Array;
  private readonly cameBy: (RoadEdge | undefined)[];
  /** Number of the search that last reached a node, so that the arrays need not be cleared between searches. */
  private readonly reachedIn: Int32Array;
  /** Number of the search that last expanded a node. */
  private readonly expandedIn: Int32Array;
  private search = 0;

  constructor(graph: RoadGraph) {
    this.graph = graph;
    this.chords = new Chords(graph.nodes);
    const count = graph.nodes.length;
    this.seconds = new Float64Array(count);
    this.cameBy = new Array<RoadEdge | undefined>(count);
    this.reachedIn = new Int32Array(count);
    this.expandedIn = new Int32Array(count);
  }

  /**
   * Returns the fastest route from one node to another. A car that reached `from` from `cameFrom` makes a U-turn only if there
   * is no other route.
   *
   * @throws RangeError if there is no route
   */
  route(from: number, to: number, cameFrom?: number): Route {
    const route = this.find(from, to, cameFrom) ?? this.find(from, to, undefined);
    if (route === undefined) throw new RangeError(`there is no route from node ${from} to node ${to}`);
    return route;
  }

  private find(from: number, to: number, cameFrom: number | undefined): Route | undefined {
    this.search += 1;
    const open = new MinHeap();
    const reach = (index: number, seconds: number, edge: RoadEdge | undefined): void => {
      if (this.reachedIn[index] === this.search && this.seconds[index]! <= seconds) return;
      this.reachedIn[index] = this.search;
      this.seconds[index] = seconds;
      this.cameBy[index] = edge;
      open.push(index, seconds + this.chords.meters(index, to) / this.graph.maxSpeed);
    };
    reach(from, 0, undefined);
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (index === to) return this.trace(to);
      if (this.expandedIn[index] === this.search) continue;
      this.expandedIn[index] = this.search;
      for (const edge of this.graph.nodes[index]!.edges) {
        if (index === from && edge.to === cameFrom) continue;
        reach(edge.to, this.seconds[index]! + edge.meters / edge.speed, edge);
      }
    }
    return undefined;
  }

  private trace(to: number): Route {
    const edges: RoadEdge[] = [];
    let meters = 0;
    for (let edge = this.cameBy[to]; edge !== undefined; edge = this.cameBy[edge.from]) {
      edges.push(edge);
      meters += edge.meters;
    }
    return { edges: edges.reverse(), meters, seconds: this.seconds[to]! };
  }
}
