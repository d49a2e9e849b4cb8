/**
 * The candidates of a trace and, for each, the best score and the candidate of the previous point through which it is
 * reached. Points and candidates are numbered in the order in which they are added.
 */
export class Lattice {
  private readonly points: number[] = [];
  private readonly starts: number[] = [0];
  private edges = new Int32Array(1_024);
  private meters = new Float64Array(1_024);
  private scores = new Float64Array(1_024);
  private previous = new Int32Array(1_024);
  private size = 0;

  get pointCount(): number {
    return this.points.length;
  }

  /** First and last (exclusive) candidate of a point. */
  firstOf(place: number): number {
    return this.starts[place]!;
  }

  endOf(place: number): number {
    return this.starts[place + 1]!;
  }

  /** Index in the trace of a point of the lattice. */
  pointAt(place: number): number {
    return this.points[place]!;
  }

  edge(candidate: number): number {
    return this.edges[candidate]!;
  }

  metersOn(candidate: number): number {
    return this.meters[candidate]!;
  }

  score(candidate: number): number {
    return this.scores[candidate]!;
  }

  /** Adds a candidate of the point that is being added; `previous` is -1 for the first point. */
  addCandidate(candidate: { edge: number; meters: number; score: number; previous: number }): void {
    if (this.size === this.edges.length) this.grow();
    this.edges[this.size] = candidate.edge;
    this.meters[this.size] = candidate.meters;
    this.scores[this.size] = candidate.score;
    this.previous[this.size] = candidate.previous;
    this.size += 1;
  }

  /** Completes the point whose candidates were added. */
  completePoint(index: number): void {
    this.points.push(index);
    this.starts.push(this.size);
  }

  /** Returns the best candidate of each point. */
  bestPath(): Int32Array {
    const path = new Int32Array(this.points.length);
    if (path.length === 0) return path;
    let best = this.firstOf(path.length - 1);
    for (let candidate = best; candidate < this.size; candidate += 1) {
      if (this.scores[candidate]! > this.scores[best]!) best = candidate;
    }
    for (let place = path.length - 1; place >= 0; place -= 1) {
      path[place] = best;
      best = this.previous[best]!;
    }
    return path;
  }

  private grow(): void {
    const length = this.edges.length * 2;
    const [edges, meters] = [new Int32Array(length), new Float64Array(length)];
    const [scores, previous] = [new Float64Array(length), new Int32Array(length)];
    edges.set(this.edges);
    meters.set(this.meters);
    scores.set(this.scores);
    previous.set(this.previous);
    [this.edges, this.meters, this.scores, this.previous] = [edges, meters, scores, previous];
  }
}
