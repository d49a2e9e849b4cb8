import { coversCell, type CellRange } from './grid.js';

/** A row that has left a cell of the finest level: it is in another cell now, or it is no longer drawn. */
interface Departure<Subject> {
  readonly sequence: number;
  readonly cell: number;
  readonly subject: Subject;
}

/**
 * The newest departures, in the order in which they occurred. With the sequence of the last change of each row, they suffice to
 * determine what has changed in a view since any sequence: a row that is no longer in the view has departed from a cell of it.
 */
export class Departures<Subject> {
  private readonly sequences: Float64Array;
  private readonly cells: Float64Array;
  private readonly subjects: Subject[] = [];
  /** Of all that were added. */
  private count = 0;
  /** The sequence of the newest departure that is no longer kept. */
  private droppedSequence = 0;

  constructor(private readonly limit: number) {
    this.sequences = new Float64Array(limit);
    this.cells = new Float64Array(limit);
  }

  add({ sequence, cell, subject }: Departure<Subject>): void {
    if (this.limit === 0) {
      this.droppedSequence = sequence;
      return;
    }
    const slot = this.count % this.limit;
    if (this.count >= this.limit) this.droppedSequence = this.sequences[slot]!;
    this.sequences[slot] = sequence;
    this.cells[slot] = cell;
    this.subjects[slot] = subject;
    this.count += 1;
  }

  /** Whether all departures after a sequence are kept. */
  isCompleteSince(sequence: number): boolean {
    return sequence >= this.droppedSequence;
  }

  /** What has departed from a range of cells after a sequence, each once. It may have returned. */
  since(sequence: number, range: CellRange): Set<Subject> {
    const departed = new Set<Subject>();
    const oldest = Math.max(0, this.count - this.limit);
    for (let index = this.count - 1; index >= oldest; index -= 1) {
      const slot = index % this.limit;
      if (this.sequences[slot]! <= sequence) break;
      if (coversCell(range, this.cells[slot]!)) departed.add(this.subjects[slot]!);
    }
    return departed;
  }
}
