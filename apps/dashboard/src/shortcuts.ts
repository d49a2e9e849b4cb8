import { useEffect, useRef } from 'react';

/** All keys of the page: what handles them and the help sheet use this list. */
export const shortcuts = [
  { name: 'find', key: '/', does: 'Find a vehicle or trip' },
  { name: 'table', key: 't', does: 'Table or map' },
  { name: 'trips', key: 'r', does: 'Trips or map' },
  { name: 'feeds', key: 'e', does: 'Feeds or map' },
  { name: 'deadLetters', key: 'd', does: 'Dead letters or map' },
  { name: 'alerts', key: 'a', does: 'Show or close the alerts' },
  { name: 'zones', key: 'z', does: 'Show or hide the zones on the map' },
  { name: 'panel', key: 'p', does: 'Show or fold the panel' },
  { name: 'fitFleet', key: 'f', does: 'Show all vehicles on the map' },
  { name: 'fitCity', key: 'c', does: 'Show the whole city' },
  { name: 'colors', key: 'v', does: 'Colour by provider or by state' },
  { name: 'heat', key: 'h', does: 'Next map of demand and supply, or none' },
  { name: 'follow', key: 'g', does: 'Follow the selected vehicle, or stop' },
  { name: 'live', key: 'l', does: 'Return from the past to the present' },
  { name: 'theme', key: 'b', does: 'Next theme: system, light, dark' },
  { name: 'close', key: 'Escape', does: 'Close the card or page' },
  { name: 'help', key: '?', does: 'Show or close this list' },
] as const satisfies readonly { name: string; key: string; does: string }[];

/** Keys that the map, or the timeline, handles while it has the focus. */
export const mapKeys = [
  { key: '+', does: 'Zoom in' },
  { key: '-', does: 'Zoom out' },
  { key: '← ↑ → ↓', does: 'Move the map; on the timeline, a second' },
  { key: 'PgUp PgDn', does: 'On the timeline, a minute' },
  { key: 'Home End', does: 'On the timeline, its first and last moment' },
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
