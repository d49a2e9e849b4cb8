import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Store } from '../store.js';
import { type Address, parameterNames, parameters } from './address.js';
import { AddressBar, type AddressStores, REPLACE_EVERY_MS } from './address-bar.js';

const device = '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10';
const provider = '2411d395-04f2-47c9-ab66-d09e9e3c3251';

/** A page opened at an address, with the history of its tab. */
function open(search: string) {
  const stores = Object.fromEntries(
    parameterNames.map((name) => [name, new Store<unknown>(parameters[name].initial)]),
  ) as unknown as { [Name in keyof AddressStores]: Store<Address[Name]> };
  const entries = [search];
  let at = 0;
  let pop = (): void => undefined;
  const queryOf = (url?: string | URL | null) => String(url).replace('/', '');
  const bar = new AddressBar(stores, {
    location: {
      pathname: '/',
      get search() {
        return entries[at]!;
      },
    },
    history: {
      pushState: (_: unknown, __: string, url?: string | URL | null) => {
        entries.splice(at + 1);
        at = entries.push(queryOf(url)) - 1;
      },
      replaceState: (_: unknown, __: string, url?: string | URL | null) => {
        entries[at] = queryOf(url);
      },
    },
    onPopState: (listener) => (pop = listener),
  });
  const go = (steps: number) => {
    at += steps;
    pop();
  };
  const written = () => vi.advanceTimersByTimeAsync(REPLACE_EVERY_MS);
  return { bar, stores, entries, go, written };
}

beforeEach(() => void vi.useFakeTimers());

describe('AddressBar', () => {
  it('sets the stores from the address with which the page is opened', () => {
    const { stores, bar } = open(`?view=table&vehicle=${device}&map=12/43.7/7.4`);
    expect(stores.view.get()).toBe('table');
    expect(stores.vehicle.get()).toEqual({ deviceId: device, providerId: null });
    expect(stores.map.get()).toEqual({ zoom: 12, center: [7.4, 43.7] });
    expect(bar.ignored.get()).toEqual([]);
  });

  it('keeps a theme of storage if the address has none', async () => {
    const { stores, entries, written } = open('');
    stores.theme.set('dark');
    await written();
    expect(entries).toEqual(['?theme=dark']);
  });

  it('adds an entry for another view or vehicle, and none for a moved map or a filter', async () => {
    const { stores, entries, written } = open('');
    stores.map.set({ zoom: 12, center: [7.4, 43.7] });
    await written();
    stores.states.set(new Set(['stopped']));
    await written();
    expect(entries).toHaveLength(1);
    stores.view.set('table');
    await written();
    stores.vehicle.set({ deviceId: device, providerId: null });
    await written();
    expect(entries).toHaveLength(3);
    // The service has told the provider.
    stores.vehicle.set({ deviceId: device, providerId: provider });
    await written();
    expect(entries).toHaveLength(3);
    expect(entries[2]).toContain(`vehicle=${provider}/${device}`);
  });

  it('adds an entry when the past is entered or left, and none for another moment of it', async () => {
    const { stores, entries, go, written } = open('');
    stores.at.set(Date.UTC(2026, 10, 29, 8, 42));
    await written();
    stores.at.set(Date.UTC(2026, 10, 29, 8, 43));
    stores.by.set('received');
    await written();
    expect(entries).toEqual(['', '?at=2026-11-29T08:43:00Z&by=received']);
    go(-1);
    expect([stores.at.get(), stores.by.get()]).toEqual([null, 'event']);
  });

  it('adds no entry to the history of the page around an embedded one', async () => {
    const { stores, entries, written } = open('?embed=1');
    stores.vehicle.set({ deviceId: device, providerId: provider });
    await written();
    expect(entries).toEqual([`?vehicle=${provider}/${device}&embed=1`]);
  });

  it('writes changes that belong together as one entry', async () => {
    const { stores, entries, written } = open('');
    stores.view.set('table');
    stores.vehicle.set({ deviceId: device, providerId: provider });
    stores.map.set({ zoom: 12, center: [7.4, 43.7] });
    await written();
    expect(entries).toHaveLength(2);
  });

  it('replaces an entry at once, unless there were many replacements, and then with the latest value', async () => {
    const { stores, entries, go, written } = open('');
    const type = async (reason: string) => {
      stores.reason.set(reason);
      await Promise.resolve();
    };
    for (let count = 1; count <= 12; count++) await type('a'.repeat(count));
    expect(entries).toEqual([`?reason=${'a'.repeat(10)}`]);
    await written();
    expect(entries).toEqual([`?reason=${'a'.repeat(12)}`]);
    stores.view.set('table');
    await written();
    await type('b');
    await type('c');
    go(-1);
    await written();
    expect(entries).toEqual([`?reason=${'a'.repeat(12)}`, '?view=table&reason=b']);
  });

  it('restores views and selections with back and forward, and keeps the map where the entry has none', async () => {
    const { stores, entries, go, written } = open('');
    stores.view.set('table');
    await written();
    stores.vehicle.set({ deviceId: device, providerId: provider });
    stores.map.set({ zoom: 12, center: [7.4, 43.7] });
    await written();
    go(-1);
    expect([stores.view.get(), stores.vehicle.get()]).toEqual(['table', null]);
    expect(stores.map.get()).not.toBeNull();
    go(-1);
    expect(stores.view.get()).toBe('map');
    go(2);
    expect(stores.vehicle.get()).toEqual({ deviceId: device, providerId: provider });
    await written();
    expect(entries).toHaveLength(3);
  });

  it('lists what it ignores, and leaves the address as it is until something changes', async () => {
    const { bar, entries, stores, written } = open('?view=globe&theme=dark');
    expect(bar.ignored.get()).toEqual([
      { name: 'view', value: 'globe', expected: expect.stringMatching('one of map, table') as string },
    ]);
    await written();
    expect(entries).toEqual(['?view=globe&theme=dark']);
    stores.redriven.set(true);
    await written();
    expect(entries).toEqual(['?redriven=yes&theme=dark']);
    bar.dismissIgnored();
    expect(bar.ignored.get()).toEqual([]);
  });
});
