/** A change of positions that is not possible. */
export class PositionsError extends Error {
  override readonly name = 'PositionsError';
  readonly code = 'POSITIONS';
}
