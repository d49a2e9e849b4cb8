import type { ErasureRecord } from '@hailstream/events';

/** A rider or a device that was erased. */
export type Erasure = Pick<ErasureRecord, 'kind' | 'id'>;

/** The riders and devices that were erased, in the order in which it became known. */
export class Erasures {
  private readonly names = new Set<string>();
  private readonly list: Erasure[] = [];

  /** Returns whether it is a new one. */
  add({ kind, id }: Erasure): boolean {
    const name = `${kind}/${id}`;
    if (this.names.has(name)) return false;
    this.names.add(name);
    this.list.push({ kind, id });
    return true;
  }

  /** Those that were added after the first `count`. */
  after(count: number): Erasure[] {
    return this.list.slice(count);
  }

  get count(): number {
    return this.list.length;
  }

  /** Whether an event is one of an erased rider or device. */
  concern(event: { readonly device_id?: string; readonly rider_id?: string }): boolean {
    if (this.list.length === 0) return false;
    const { device_id: deviceId, rider_id: riderId } = event;
    return this.names.has(`device/${deviceId}`) || this.names.has(`rider/${riderId}`);
  }
}
