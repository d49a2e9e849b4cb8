/**
 * Functions to call. In an array: a `Set` to which each fetch adds one, and removes it, would keep all of them with what they refer to
 * until a major garbage collection, because each of its tables refers to the next one, also after it was replaced.
 */
export class Listeners<Arguments extends readonly unknown[]> {
  private listeners: readonly ((...args: Arguments) => void)[] = [];

  /** Calls the listener until the returned function is called. */
  add(listener: (...args: Arguments) => void): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  /** Calls those that are there now; they may add and remove listeners. */
  call(...args: Arguments): void {
    for (const listener of this.listeners) listener(...args);
  }

  clear(): void {
    this.listeners = [];
  }
}
