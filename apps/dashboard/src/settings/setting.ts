import { Store } from '../store.js';

interface SettingOptions<T extends string> {
  /** Key of the browser's storage. */
  readonly key: string;
  /** The value if neither the address nor the storage has one. */
  readonly initial: T;
  readonly isValid: (text: string) => text is T;
  /** `null` if the browser has none, or does not allow to use it. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null;
}

/**
 * A setting of this browser. A value in the address takes precedence over the stored one, and is not stored. Addresses have
 * a value only if the user includes the settings, so that a shared link does not change the recipient's settings.
 */
export class Setting<T extends string> {
  readonly value: Store<T>;
  /** `null` if the address does not have it. */
  readonly inAddress = new Store<T | null>(null);
  private chosen: T;
  private readonly options: SettingOptions<T>;

  constructor(options: SettingOptions<T>) {
    this.options = options;
    const stored = options.storage?.getItem(options.key) ?? null;
    this.chosen = stored !== null && options.isValid(stored) ? stored : options.initial;
    this.value = new Store(this.chosen);
    this.inAddress.subscribe(() => this.value.set(this.inAddress.get() ?? this.chosen));
  }

  /** Applies and stores the choice of the user, also in the address if that has a value. */
  choose(value: T): void {
    this.chosen = value;
    const { storage, key } = this.options;
    try {
      storage?.setItem(key, value);
    } catch {
      // The storage may be full or disabled: the choice then ends with the page.
    }
    if (this.inAddress.get() !== null) this.inAddress.set(value);
    this.value.set(value);
  }
}
