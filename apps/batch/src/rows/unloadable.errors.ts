/** A record cannot be loaded. The message is the reason in `ride.rejects`. */
export class UnloadableError extends Error {
  override readonly name = 'UnloadableError';
}
