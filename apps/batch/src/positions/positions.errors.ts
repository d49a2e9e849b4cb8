/** A change of positions that cannot be made. */
export class PositionsError extends Error {
  override readonly name = 'PositionsError';
  readonly code = 'POSITIONS';
}
