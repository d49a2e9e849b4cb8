import { useSyncExternalStore } from 'react';

/** A value that changes over time, and its subscribers. */
export class Store<T> {
  private value: T;
  private readonly listeners = new Set<() => void>();

  constructor(value: T) {
    this.value = value;
  }

  get = (): T => this.value;

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** Returns the value of a store and renders again when it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Returns a primitive value derived from that of a store, and renders again when the derived one changes. */
export function useDerived<T, D extends string | number | boolean | null>(
  store: Store<T>,
  derive: (value: T) => D,
): D {
  return useSyncExternalStore(store.subscribe, () => derive(store.get()));
}
