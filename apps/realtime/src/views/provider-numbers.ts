/** Assigns each provider id a number, which rows of frames carry instead of the id. */
export class ProviderNumbers {
  private readonly numbers = new Map<string, number>();
  private readonly ids: string[] = [];

  /** The number of a provider, assigned on first use. */
  of(providerId: string): number {
    const known = this.numbers.get(providerId);
    if (known !== undefined) return known;
    const number = this.ids.push(providerId) - 1;
    this.numbers.set(providerId, number);
    return number;
  }

  /** @throws RangeError if the number was not assigned */
  idOf(number: number): string {
    const providerId = this.ids[number];
    if (providerId === undefined) throw new RangeError(`no provider has the number ${number}`);
    return providerId;
  }
}
