import { Store } from '../store.js';
import {
  type Address,
  formatAddress,
  type IgnoredParameter,
  parameterNames,
  parameterOf,
  parseAddress,
  type ParameterName,
} from './address.js';

export type AddressStores = { readonly [Name in ParameterName]: Store<Address[Name]> };

/** Pause between replacements of an entry once there were ten in a row: browsers refuse more than about 100 in 30 s. */
export const REPLACE_EVERY_MS = 400;
const REPLACEMENTS_IN_A_ROW = 10;

/** The parts of the browser that {@link AddressBar} uses. */
interface AddressBrowser {
  readonly location: Pick<Location, 'pathname' | 'search'>;
  readonly history: Pick<History, 'pushState' | 'replaceState'>;
  readonly onPopState: (listener: () => void) => void;
}

/**
 * Keeps the stores and the address equal. A change of a store is written to the address: as a new entry of the history if it
 * is a step, otherwise in place of the current one. The back and forward buttons set the stores. A page in a frame adds no
 * entries, because they would be those of the page around it.
 */
export class AddressBar {
  /** Parameters of the opened address that had no effect. */
  readonly ignored = new Store<readonly IgnoredParameter[]>([]);
  private readonly stores: AddressStores;
  private readonly browser: AddressBrowser;
  private written: Address;
  private isReading = false;
  private isScheduled = false;
  /** Each replacement moves this time on by the pause; it may be as far ahead as ten of them. */
  private replacedUntil = 0;
  private pause: ReturnType<typeof setTimeout> | null = null;

  constructor(stores: AddressStores, browser: AddressBrowser) {
    this.stores = stores;
    this.browser = browser;
    this.written = this.current();
    this.read({ isFirst: true });
    for (const name of parameterNames) stores[name].subscribe(() => this.schedule());
    browser.onPopState(() => this.read({ isFirst: false }));
  }

  dismissIgnored(): void {
    this.ignored.set([]);
  }

  private read({ isFirst }: { isFirst: boolean }): void {
    const { given, ignored } = parseAddress(this.browser.location.search);
    this.ignored.set(ignored);
    this.isReading = true;
    for (const name of parameterNames) {
      const { initial, isKept, format } = parameterOf(name);
      if (!(name in given) && (isFirst || isKept === true)) continue;
      const value = name in given ? given[name] : initial;
      const store = this.stores[name] as Store<unknown>;
      if (format(value) !== format(store.get())) store.set(value);
    }
    this.isReading = false;
    this.written = this.current();
  }

  /** Changes that belong together are one entry. */
  private schedule(): void {
    if (this.isReading || this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      this.write();
    });
  }

  private write(): void {
    const before = this.written;
    const after = this.current();
    const url = this.browser.location.pathname + formatAddress(after);
    if (formatAddress(before) === formatAddress(after)) return;
    if (isStep(before, after) && !after.embed) {
      this.browser.history.pushState(null, '', url);
    } else {
      if (!this.canReplace()) return;
      this.browser.history.replaceState(null, '', url);
    }
    this.written = after;
  }

  /** Whether an entry may be replaced now; if not, what is current is written later. */
  private canReplace(): boolean {
    if (this.pause !== null) return false;
    const now = Date.now();
    const since = Math.max(now, this.replacedUntil);
    const waitMs = since - now - (REPLACEMENTS_IN_A_ROW - 1) * REPLACE_EVERY_MS;
    if (waitMs <= 0) {
      this.replacedUntil = since + REPLACE_EVERY_MS;
      return true;
    }
    this.pause = setTimeout(() => {
      this.pause = null;
      this.write();
    }, waitMs);
    return false;
  }

  private current(): Address {
    const values = parameterNames.map((name) => [name, this.stores[name].get()]);
    return Object.fromEntries(values) as Address;
  }
}

function isStep(before: Address, after: Address): boolean {
  return parameterNames.some((name) => {
    const { format, isStep: changes = () => false } = parameterOf(name);
    return format(before[name]) !== format(after[name]) && changes(before[name], after[name]);
  });
}
