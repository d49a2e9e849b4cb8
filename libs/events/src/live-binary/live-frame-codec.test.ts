import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VehicleRow } from '../live/index.js';
import { deviceIdOf, frameSequences, frameWith } from '../../test/_live-frames.js';
import { encodeLiveFrame, LiveFrameDecoder } from './live-frame-codec.js';
import { LiveFrameError } from './live-frame-error.js';

const row: VehicleRow = [deviceIdOf(1), 43.7384, 7.4246, 90, 8.3, 'on_trip', 'stale', 1];
const numbers = { vehicles: [7], gone: [], isIntroduced: () => true };
const bytes = encodeLiveFrame(frameWith({ vehicles: [row], gone: [] }), numbers, { whole: true });

describe('encodeLiveFrame', () => {
  it('writes the documented layout', () => {
    const { vehicles: _, gone: __, ...header } = frameWith({ vehicles: [], gone: [] });
    const text = JSON.stringify(header);
    const look = 900 + 83 * 2 ** 12 + 3 * 2 ** 26 + 2 ** 30;
    expect(Buffer.from(bytes).toString('hex')).toBe(
      [
        '0101',
        Buffer.from([(text.length % 128) + 128, Math.floor(text.length / 128)]).toString('hex'),
        Buffer.from(text).toString('hex'),
        // One vehicle: number 7 as a difference, provider 1.
        '010e01',
        deviceIdOf(1).replaceAll('-', ''),
        // One vehicle, which is south and west of all, then gone.
        '01',
        ...[43_738_400, 7_424_600].map((value) => int32(value)),
        '0e0000',
        int32(look),
        '00',
      ].join(''),
    );
  });

  it('uses at most 16 bytes for each changed vehicle of a city', () => {
    const count = 1_000;
    const vehicles = Array.from({ length: count }, (_, n): VehicleRow => {
      return [
        deviceIdOf(n),
        43.5 + ((n * 7) % 400) / 1_000.7,
        7.2 + ((n * 13) % 500) / 1_000.3,
        270,
        13.9,
        'available',
        'live',
        0,
      ];
    });
    const change = {
      vehicles: vehicles.map((_, index) => (index * 7_919) % 100_000),
      gone: [],
      isIntroduced: () => false,
    };
    const all = encodeLiveFrame(frameWith({ vehicles, gone: [] }), change, { whole: false }).length;
    const none = encodeLiveFrame(
      frameWith({ vehicles: [], gone: [] }),
      { ...change, vehicles: [] },
      { whole: false },
    ).length;
    expect((all - none) / count).toBeLessThanOrEqual(16);
  });

  it('rejects a device id that is not a UUID in lower case', () => {
    const frame = frameWith({ vehicles: [['Taxi 7', 43.7, 7.4, null, null, null, 'live', 0]], gone: [] });
    expect(() => encodeLiveFrame(frame, numbers, { whole: true })).toThrow(
      new RangeError('expected a UUID in lower case, got "Taxi 7"'),
    );
  });
});

describe('LiveFrameDecoder', () => {
  it('returns the frames that were encoded, one after the other', () => {
    fc.assert(
      fc.property(frameSequences, (sequence) => {
        const decoder = new LiveFrameDecoder();
        for (const { frame, numbers: given, whole } of sequence) {
          expect(decoder.decode(encodeLiveFrame(frame, given, { whole }))).toEqual({ whole, frame });
        }
      }),
    );
  });

  it('reports bytes that end early, at every length', () => {
    fc.assert(
      fc.property(frameSequences, fc.nat(), ([first], at) => {
        const { frame, numbers: given, whole } = first!;
        const all = encodeLiveFrame(frame, given, { whole });
        const part = all.subarray(0, at % all.length);
        expect(() => new LiveFrameDecoder().decode(part)).toThrow(LiveFrameError);
      }),
    );
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => new LiveFrameDecoder().decode(bytes.subarray(0, length))).toThrow(LiveFrameError);
    }
  });

  it('decodes any bytes to a frame or reports what is wrong with them', () => {
    const outcome = (garbage: Uint8Array): unknown => {
      try {
        new LiveFrameDecoder().decode(garbage);
        return LiveFrameError;
      } catch (error) {
        return (error as Error).constructor;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => outcome(garbage) === LiveFrameError),
    );
    // Bytes that are nearly a frame.
    fc.assert(
      fc.property(frameSequences, fc.nat(), fc.nat(255), ([first], at, value) => {
        const { frame, numbers: given, whole } = first!;
        const changed = encodeLiveFrame(frame, given, { whole }).slice();
        changed[at % changed.length] = value;
        return outcome(changed) === LiveFrameError;
      }),
      { numRuns: 1_000 },
    );
  });

  it('names what is wrong', () => {
    const decode = (change: (copy: Uint8Array) => Uint8Array) => () =>
      new LiveFrameDecoder().decode(change(bytes.slice()));
    const withByte = (at: number, value: number) => (copy: Uint8Array) => copy.fill(value, at, at + 1);
    expect(decode(withByte(0, 2))).toThrow('expected version 1 of the layout, got 2');
    expect(decode(withByte(1, 8))).toThrow('expected flags 0 to 7, got 8');
    expect(decode(withByte(4, 0x20))).toThrow('the header is not JSON');
    expect(decode(withByte(bytes.length - 2, 0xff))).toThrow(
      'the state or contact of vehicle 7 is not defined',
    );
    expect(decode((copy) => Uint8Array.of(...copy, 0))).toThrow('1 bytes follow the frame');
    expect(decode((copy) => copy.subarray(0, -1))).toThrow('the bytes end within the frame');
  });

  it('reports a vehicle that was not introduced, and stays usable', () => {
    const decoder = new LiveFrameDecoder();
    const change = frameWith({ vehicles: [row], gone: [] });
    const of = (vehicle: number) =>
      encodeLiveFrame(change, { vehicles: [vehicle], gone: [], isIntroduced: () => false }, { whole: false });
    expect(() => decoder.decode(of(7))).toThrow('no frame since the last snapshot introduced vehicle 7');
    decoder.decode(bytes);
    expect(() => decoder.decode(of(8))).toThrow(LiveFrameError);
    expect(decoder.decode(of(7)).frame.vehicles).toEqual([row]);
    const gone = { vehicles: [], gone: [7], isIntroduced: () => false };
    decoder.decode(encodeLiveFrame(frameWith({ vehicles: [], gone: [] }), gone, { whole: false }));
    expect(() => decoder.decode(of(7))).toThrow(LiveFrameError);
  });
});

function int32(value: number): string {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer.toString('hex');
}
