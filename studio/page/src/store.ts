import { useEffect, useState } from "preact/hooks";

/** A value that the page shows, with those who want to know of its changes. */
export interface Store<T> {
  get(): T;
  set(change: Partial<T>): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      value = { ...value, ...change };
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A part of a store; the component is drawn again when this part changes. */
export function useStore<T extends object, S>(store: Store<T>, select: (value: T) => S): S {
  const [selected, setSelected] = useState<S>(() => select(store.get()));
  useEffect(() => {
    const update = () => setSelected(() => select(store.get()));
    update();
    return store.subscribe(update);
  }, [store]);
  return selected;
}
