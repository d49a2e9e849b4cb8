import { useEffect, useRef } from 'react';

/** All keys of the page: what handles them and the help sheet use this list. */
export const shortcuts = [
  { name: 'find', key: '/' },
  { name: 'table', key: 't' },
  { name: 'trips', key: 'r' },
  { name: 'feeds', key: 'e' },
  { name: 'reports', key: 'o' },
  { name: 'deadLetters', key: 'd' },
  { name: 'alerts', key: 'a' },
  { name: 'zones', key: 'z' },
  { name: 'panel', key: 'p' },
  { name: 'fitFleet', key: 'f' },
  { name: 'fitCity', key: 'c' },
  { name: 'colors', key: 'v' },
  { name: 'heat', key: 'h' },
  { name: 'follow', key: 'g' },
  { name: 'live', key: 'l' },
  { name: 'theme', key: 'b' },
  { name: 'close', key: 'Escape' },
  { name: 'settings', key: ',' },
  { name: 'help', key: '?' },
] as const satisfies readonly { name: string; key: string }[];

/** Keys that the map, or the timeline, handles while it has the focus. */
export const mapKeys = [
  { key: '+', text: 'key.map.zoomIn' },
  { key: '-', text: 'key.map.zoomOut' },
  { key: '← ↑ → ↓', text: 'key.map.move' },
  { key: 'PgUp PgDn', text: 'key.map.minute' },
  { key: 'Home End', text: 'key.map.ends' },
] as const;

type ShortcutName = (typeof shortcuts)[number]['name'];

/** What keys do; a key without an action has no effect. */
export type Shortcuts = Readonly<Partial<Record<ShortcutName, (() => void) | undefined>>>;

/** The key of a shortcut as it is shown to the user. */
export function keyOf(name: ShortcutName): string {
  return keyLabel(shortcuts.find((shortcut) => shortcut.name === name)!.key);
}

export function keyLabel(key: string): string {
  if (key === 'Escape') return 'Esc';
  return key.length === 1 ? key.toUpperCase() : key;
}

/** Runs the action of a key. While the user types in a field, only Escape is handled. */
export function useShortcuts(actions: Shortcuts): void {
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTyped(event.target) && event.key !== 'Escape') return;
      const shortcut = shortcuts.find(({ key }) => key === event.key);
      // A dialog covers the page, whose keys have no effect meanwhile.
      if (shortcut?.name !== 'help' && document.querySelector('dialog[open]') !== null) return;
      const action = shortcut && current.current[shortcut.name];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function isTyped(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement
  );
}
