import { distanceMeters } from '../geo/geo.js';
import { MinHeap } from './min-heap.js';
import type { RoadEdge, RoadGraph } from './road-graph.js';

/** A way along streets: edges that follow each other. */
export interface Route {
  readonly edges: readonly RoadEdge[];
  readonly meters: number;
  /** At the speed that is allowed, all the way. */
  readonly seconds: number;
}

/** Finds the fastest ways through a road graph: A*, with the straight line at the highest speed as what is left at least. */
export class Router {
  private readonly graph: RoadGraph;
  private readonly seconds: Float64Array;
  private readonly cameBy: (RoadEdge | undefined)[];
  /** The search in which a node was last reached: spares clearing the arrays between searches. */
  private readonly reachedIn: Int32Array;
  private readonly isDone: Int32Array;
  private search = 0;

  constructor(graph: RoadGraph) {
    this.graph = graph;
    const count = graph.nodes.length;
    this.seconds = new Float64Array(count);
    this.cameBy = new Array<RoadEdge | undefined>(count);
    this.reachedIn = new Int32Array(count);
    this.isDone = new Int32Array(count);
  }

  /**
   * The fastest way from one node to another. Who came to `from` by way of `cameFrom` does not turn round there, unless
   * it is the only way.
   */
  route(from: number, to: number, cameFrom?: number): Route {
    const route = this.find(from, to, cameFrom) ?? this.find(from, to, undefined);
    if (route === undefined) throw new RangeError(`there is no way from node ${from} to node ${to}`);
    return route;
  }

  private find(from: number, to: number, cameFrom: number | undefined): Route | undefined {
    this.search += 1;
    const goal = this.graph.nodes[to]!;
    const open = new MinHeap();
    const reach = (index: number, seconds: number, edge: RoadEdge | undefined): void => {
      if (this.reachedIn[index] === this.search && this.seconds[index]! <= seconds) return;
      this.reachedIn[index] = this.search;
      this.seconds[index] = seconds;
      this.cameBy[index] = edge;
      open.push(index, seconds + distanceMeters(this.graph.nodes[index]!, goal) / this.graph.maxSpeed);
    };
    reach(from, 0, undefined);
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (index === to) return this.trace(to);
      if (this.isDone[index] === this.search) continue;
      this.isDone[index] = this.search;
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
