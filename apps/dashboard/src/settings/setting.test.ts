import { describe, expect, it } from 'vitest';
import { Setting } from './setting.js';

const isSize = (text: string): text is 'small' | 'large' => text === 'small' || text === 'large';

function settingWith(stored: Record<string, string> | null) {
  const storage = stored && {
    getItem: (key: string) => stored[key] ?? null,
    setItem: (key: string, value: string) => void (stored[key] = value),
  };
  return new Setting({ key: 'size', initial: 'small', isValid: isSize, storage });
}

describe('Setting', () => {
  it('is the address’s, the stored or the initial value, in this order', () => {
    expect(settingWith({}).value.get()).toBe('small');
    const setting = settingWith({ size: 'large' });
    expect(setting.value.get()).toBe('large');
    setting.inAddress.set('small');
    expect(setting.value.get()).toBe('small');
    setting.inAddress.set(null);
    expect(setting.value.get()).toBe('large');
  });

  it('stores a choice, and writes it to the address only if the address has a value', () => {
    const stored: Record<string, string> = {};
    const setting = settingWith(stored);
    setting.choose('large');
    expect([setting.value.get(), setting.inAddress.get(), stored]).toEqual([
      'large',
      null,
      { size: 'large' },
    ]);
    setting.inAddress.set('large');
    setting.choose('small');
    expect([setting.value.get(), setting.inAddress.get(), stored]).toEqual([
      'small',
      'small',
      { size: 'small' },
    ]);
  });

  it('does not store what only the address has, and ignores an invalid stored value', () => {
    const stored = { size: 'huge' };
    const setting = settingWith(stored);
    setting.inAddress.set('large');
    expect([setting.value.get(), stored]).toEqual(['large', { size: 'huge' }]);
  });

  it('works without storage', () => {
    const setting = settingWith(null);
    setting.choose('large');
    expect(setting.value.get()).toBe('large');
  });
});
