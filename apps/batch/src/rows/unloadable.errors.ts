/** A record that can't become a row. The message is the reason that `ride.rejects` shows. */
export class UnloadableError extends Error {
  override readonly name = 'UnloadableError';
}
