import type { RoadNetwork } from './road-network.js';

const MIN_CELL_METERS = 50;

/** Maximum number of cells: 16 MB. Larger cities have larger cells. */
const MAX_CELLS = 4_000_000;

/** Edges near a point: parallel arrays, valid until the next query. */
export interface NearEdges {
  count: number;
  readonly edge: Int32Array;
  /** Distance along the edge of its point that is nearest, and distance to it. */
  readonly meters: Float64Array;
  readonly distance: Float64Array;
}

/** Finds the edges near a point with a grid of cells, each with the segments that may touch it. */
export class EdgeIndex {
  private readonly network: RoadNetwork;
  private readonly west: number;
  private readonly south: number;
  private readonly cellMeters: number;
  private readonly columns: number;
  private readonly rows: number;
  /** The segments of cell `c` are those of `cellSegments` from `cellStart[c]` to before `cellStart[c + 1]`. */
  private readonly cellStart: Int32Array;
  private readonly cellSegments: Int32Array;
  /** The edge of each shape point; a segment leads from a point to the next one of the same edge. */
  private readonly edgeOfPoint: Int32Array;
  /** Number of the query that last found an edge, and the nearest point of the edge then. */
  private readonly foundIn: Int32Array;
  private readonly distance: Float64Array;
  private readonly meters: Float64Array;
  private readonly found: Int32Array;
  private foundCount = 0;
  private query = 0;

  constructor(network: RoadNetwork) {
    this.network = network;
    const { shapeX, shapeY, shapeStart, edgeCount } = network;
    const [west, east] = rangeOf(shapeX);
    const [south, north] = rangeOf(shapeY);
    this.west = west;
    this.south = south;
    this.cellMeters = Math.max(MIN_CELL_METERS, Math.sqrt(((east - west) * (north - south)) / MAX_CELLS));
    this.columns = Math.floor((east - west) / this.cellMeters) + 1;
    this.rows = Math.floor((north - south) / this.cellMeters) + 1;
    this.edgeOfPoint = new Int32Array(shapeX.length);
    for (let edge = 0; edge < edgeCount; edge += 1) {
      this.edgeOfPoint.fill(edge, shapeStart[edge], shapeStart[edge + 1]);
    }
    this.cellStart = new Int32Array(this.columns * this.rows + 1);
    this.cellSegments = this.fillCells();
    this.foundIn = new Int32Array(edgeCount);
    this.found = new Int32Array(edgeCount);
    this.distance = new Float64Array(edgeCount);
    this.meters = new Float64Array(edgeCount);
  }

  /**
   * Writes the edges within a radius of a point to `result`, nearest first: at most as many as it has room for. Both
   * directions of a road have the same distance.
   */
  find(point: { readonly x: number; readonly y: number; readonly radius: number }, result: NearEdges): void {
    this.query += 1;
    this.foundCount = 0;
    const { x, y, radius } = point;
    const lastColumn = Math.min(this.columns - 1, this.column(x + radius));
    const lastRow = Math.min(this.rows - 1, this.row(y + radius));
    for (let row = Math.max(0, this.row(y - radius)); row <= lastRow; row += 1) {
      for (let column = Math.max(0, this.column(x - radius)); column <= lastColumn; column += 1) {
        const cell = row * this.columns + column;
        for (let index = this.cellStart[cell]!; index < this.cellStart[cell + 1]!; index += 1) {
          this.project(this.cellSegments[index]!, x, y, radius);
        }
      }
    }
    this.collect(result);
  }

  /** Notes the nearest point of a segment, if it is the nearest one of its edge so far. */
  private project(segment: number, x: number, y: number, radius: number): void {
    const { shapeX, shapeY, shapeMeters } = this.network;
    const fromX = shapeX[segment]!;
    const fromY = shapeY[segment]!;
    const alongX = shapeX[segment + 1]! - fromX;
    const alongY = shapeY[segment + 1]! - fromY;
    const squared = alongX * alongX + alongY * alongY;
    const raw = squared === 0 ? 0 : ((x - fromX) * alongX + (y - fromY) * alongY) / squared;
    const share = raw < 0 ? 0 : raw > 1 ? 1 : raw;
    const offX = fromX + alongX * share - x;
    const offY = fromY + alongY * share - y;
    const distance = Math.sqrt(offX * offX + offY * offY);
    if (distance > radius) return;
    const edge = this.edgeOfPoint[segment]!;
    if (this.foundIn[edge] !== this.query) {
      this.foundIn[edge] = this.query;
      this.found[this.foundCount] = edge;
      this.foundCount += 1;
    } else if (this.distance[edge]! <= distance) {
      return;
    }
    this.distance[edge] = distance;
    this.meters[edge] = shapeMeters[segment]! + (shapeMeters[segment + 1]! - shapeMeters[segment]!) * share;
  }

  /** Selects the nearest edges, and adds the opposite directions. */
  private collect(result: NearEdges): void {
    const { reverse, edgeMeters } = this.network;
    const { found, distance } = this;
    const room = result.edge.length;
    result.count = 0;
    for (let place = 0; place < this.foundCount && result.count < room; place += 1) {
      let nearest = place;
      for (let other = place + 1; other < this.foundCount; other += 1) {
        if (distance[found[other]!]! < distance[found[nearest]!]!) nearest = other;
      }
      const edge = found[nearest]!;
      found[nearest] = found[place]!;
      found[place] = edge;
      this.append(result, edge, this.meters[edge]!, distance[edge]!);
      const opposite = reverse[edge]!;
      if (opposite === -1 || result.count === room) continue;
      this.append(result, opposite, Math.max(0, edgeMeters[opposite]! - this.meters[edge]!), distance[edge]!);
    }
  }

  private append(result: NearEdges, edge: number, meters: number, distance: number): void {
    result.edge[result.count] = edge;
    result.meters[result.count] = meters;
    result.distance[result.count] = distance;
    result.count += 1;
  }

  /** Assigns each segment to the cells of its bounding box that it may touch. */
  private fillCells(): Int32Array {
    for (const [cell] of this.segmentCells()) this.cellStart[cell + 1] = this.cellStart[cell + 1]! + 1;
    for (let cell = 0; cell < this.cellStart.length - 1; cell += 1) {
      this.cellStart[cell + 1] = this.cellStart[cell + 1]! + this.cellStart[cell]!;
    }
    const next = this.cellStart.slice();
    const segments = new Int32Array(this.cellStart.at(-1)!);
    for (const [cell, segment] of this.segmentCells()) {
      segments[next[cell]!] = segment;
      next[cell] = next[cell]! + 1;
    }
    return segments;
  }

  /** The cells of each segment, of one direction of each road. */
  private *segmentCells(): Generator<readonly [cell: number, segment: number]> {
    const { shapeX, shapeY, shapeStart, edgeCount, reverse } = this.network;
    for (let edge = 0; edge < edgeCount; edge += 1) {
      if (reverse[edge] !== -1 && reverse[edge]! < edge) continue;
      for (let segment = shapeStart[edge]!; segment < shapeStart[edge + 1]! - 1; segment += 1) {
        const [x1, x2] = [shapeX[segment]!, shapeX[segment + 1]!];
        const [y1, y2] = [shapeY[segment]!, shapeY[segment + 1]!];
        const lastColumn = this.column(Math.max(x1, x2));
        const lastRow = this.row(Math.max(y1, y2));
        for (let row = this.row(Math.min(y1, y2)); row <= lastRow; row += 1) {
          for (let column = this.column(Math.min(x1, x2)); column <= lastColumn; column += 1) {
            if (this.mayTouch({ row, column, x1, y1, x2, y2 })) yield [row * this.columns + column, segment];
          }
        }
      }
    }
  }

  /** Whether a line is closer to the middle of a cell than its corners are. */
  private mayTouch(at: {
    row: number;
    column: number;
    x1: number;
    y1: number;
    x2: number;
    y2: number;
  }): boolean {
    const [alongX, alongY] = [at.x2 - at.x1, at.y2 - at.y1];
    const length = Math.hypot(alongX, alongY);
    if (length === 0) return true;
    const middleX = this.west + (at.column + 0.5) * this.cellMeters - at.x1;
    const middleY = this.south + (at.row + 0.5) * this.cellMeters - at.y1;
    return Math.abs(alongX * middleY - alongY * middleX) / length <= this.cellMeters;
  }

  private column(x: number): number {
    return Math.floor((x - this.west) / this.cellMeters);
  }

  private row(y: number): number {
    return Math.floor((y - this.south) / this.cellMeters);
  }
}

function rangeOf(values: Float64Array): [lowest: number, highest: number] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of values) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return values.length === 0 ? [0, 0] : [lowest, highest];
}
