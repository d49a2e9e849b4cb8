import { vehicleStates, type VehicleState } from '../families/vehicle-states.js';
import type { CellRow, Contact, GoneRow, LiveFrame, VehicleRow } from '../live/index.js';
import { FrameReader, FrameWriter } from './frame-bytes.js';
import { LiveFrameError } from './live-frame-error.js';

/**
 * The binary layout of `snapshot` and `frame`; docs/live.md describes it for other clients. Numbers are little-endian.
 *
 *     Message => version flags header Introduced Vehicles Gone [Cells] [Batteries]
 *       version    => UINT8, 1
 *       flags      => UINT8: bit 0, a snapshot; bit 1, the frame has cells instead of vehicles; bit 2, it has battery levels
 *       header     => TEXT: the frame as JSON, without vehicles, gone and cells
 *       Introduced => count:VARINT (number:DIFFERENCE provider:VARINT deviceId:16 bytes)*
 *       Vehicles   => count:VARINT south:INT32 west:INT32 (number:DIFFERENCE lat:VARINT lng:VARINT look:UINT32)*
 *       Gone       => count:VARINT (number:DIFFERENCE)*
 *       Cells      => count:VARINT (lat:INT32 lng:INT32 states:UINT16 count:VARINT*)*
 *       Batteries  => count:VARINT (index in Vehicles:DIFFERENCE percent:UINT8)*
 *     TEXT       => size:VARINT, UTF-8
 *     VARINT     => seven bits in each byte, the lowest first; the highest bit is set if more bytes follow
 *     DIFFERENCE => VARINT: the difference d to the number before in the list, 2d or -2d-1; of the first one, to 0
 *     look       => bits 0-11 heading, 12-25 speed, 26-29 state, 30-31 contact
 *
 * Positions are in millionths of a degree, those of vehicles relative to `south` and `west`.
 */
export const LIVE_FRAME_VERSION = 1;

const SNAPSHOT_FLAG = 1;
const CELLS_FLAG = 2;
const BATTERIES_FLAG = 4;

const PARTS_PER_DEGREE = 1e6;

/** Headings and speeds are in tenths of a degree and of a metre per second. The highest value means unknown. */
const PARTS = 10;
const UNKNOWN_HEADING = 0xfff;
const UNKNOWN_SPEED = 0x3fff;
const MAX_SPEED = UNKNOWN_SPEED - 1;
const SPEED_BIT = 12;
const STATE_BIT = 26;
const CONTACT_BIT = 30;

/** By the numbers that stand for them. */
const states: readonly (VehicleState | null)[] = [null, ...vehicleStates];
const contacts: readonly Contact[] = ['live', 'stale', 'silent'];
const stateNumbers = new Map(states.map((state, number) => [state, number]));

/** The least that an item of each list takes: what follows its first byte is at least this long. */
const INTRODUCED_BYTES = 18;
const VEHICLE_BYTES = 7;
const GONE_BYTES = 1;
const CELL_BYTES = 10;
const BATTERY_BYTES = 2;

/** The numbers that stand for the vehicles of a frame. */
export interface FrameNumbers {
  /** Of `frame.vehicles`, in the same order. */
  readonly vehicles: readonly number[];
  /** Of `frame.gone`, in the same order. */
  readonly gone: readonly number[];
  /** Whether the receivers do not know the number of a vehicle yet, by its index in `frame.vehicles`. All of a snapshot are introduced. */
  readonly isIntroduced: (index: number) => boolean;
}

type Header = Omit<LiveFrame, 'vehicles' | 'gone' | 'cells'>;

/**
 * Encodes a frame, or a snapshot if it is `whole`.
 *
 * @throws RangeError if a device id is not a UUID in lower case
 */
export function encodeLiveFrame(
  frame: LiveFrame,
  numbers: FrameNumbers,
  { whole }: { whole: boolean },
): Uint8Array {
  const { vehicles, gone: _, cells, ...header } = frame;
  const writer = new FrameWriter();
  writer.uint8(LIVE_FRAME_VERSION);
  const hasBatteries = vehicles.some((row) => row[8] !== undefined);
  writer.uint8(
    (whole ? SNAPSHOT_FLAG : 0) |
      (cells === undefined ? 0 : CELLS_FLAG) |
      (hasBatteries ? BATTERIES_FLAG : 0),
  );
  writer.text(JSON.stringify(header));
  writeIntroduced(writer, vehicles, numbers, whole);
  writeVehicles(writer, vehicles, numbers.vehicles);
  writer.varint(numbers.gone.length);
  let before = 0;
  for (const number of numbers.gone) {
    writer.signed(number - before);
    before = number;
  }
  if (cells !== undefined) writeCells(writer, cells);
  if (hasBatteries) writeBatteries(writer, vehicles);
  return writer.finish();
}

function writeIntroduced(
  writer: FrameWriter,
  vehicles: readonly VehicleRow[],
  numbers: FrameNumbers,
  whole: boolean,
): void {
  const introduced: number[] = [];
  for (let index = 0; index < vehicles.length; index += 1) {
    if (whole || numbers.isIntroduced(index)) introduced.push(index);
  }
  writer.varint(introduced.length);
  let before = 0;
  for (const index of introduced) {
    const number = numbers.vehicles[index]!;
    writer.signed(number - before);
    before = number;
    writer.varint(vehicles[index]![7]);
    writer.uuid(vehicles[index]![0]);
  }
}

function writeVehicles(
  writer: FrameWriter,
  vehicles: readonly VehicleRow[],
  numbers: readonly number[],
): void {
  writer.varint(vehicles.length);
  let [south, west] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const [, lat, lng] of vehicles) {
    south = Math.min(south, lat);
    west = Math.min(west, lng);
  }
  south = vehicles.length === 0 ? 0 : toParts(south);
  west = vehicles.length === 0 ? 0 : toParts(west);
  writer.int32(south);
  writer.int32(west);
  let before = 0;
  for (let index = 0; index < vehicles.length; index += 1) {
    const [, lat, lng, heading, speed, state, contact] = vehicles[index]!;
    const number = numbers[index]!;
    writer.signed(number - before);
    before = number;
    writer.varint(toParts(lat) - south);
    writer.varint(toParts(lng) - west);
    const headingPart = heading === null ? UNKNOWN_HEADING : Math.round(heading * PARTS);
    const speedPart = speed === null ? UNKNOWN_SPEED : Math.min(MAX_SPEED, Math.round(speed * PARTS));
    const statePart = stateNumbers.get(state)!;
    const contactPart = contacts.indexOf(contact);
    writer.uint32(
      (headingPart | (speedPart << SPEED_BIT) | (statePart << STATE_BIT) | (contactPart << CONTACT_BIT)) >>>
        0,
    );
  }
}

/** The counts follow in the order of the bits of `states`: bit 0 is that of unknown states. */
function writeCells(writer: FrameWriter, cells: readonly CellRow[]): void {
  writer.varint(cells.length);
  for (const [lat, lng, counts] of cells) {
    writer.int32(toParts(lat));
    writer.int32(toParts(lng));
    let present = 0;
    const values: number[] = [];
    for (const [number, state] of states.entries()) {
      const count = counts[state ?? 'unknown'] ?? 0;
      if (count === 0) continue;
      present |= 1 << number;
      values.push(count);
    }
    writer.uint16(present);
    for (const value of values) writer.varint(value);
  }
}

/** Of the vehicles whose level is known. */
function writeBatteries(writer: FrameWriter, vehicles: readonly VehicleRow[]): void {
  const known = [...vehicles.keys()].filter((index) => vehicles[index]![8] !== undefined);
  writer.varint(known.length);
  let before = 0;
  for (const index of known) {
    writer.signed(index - before);
    before = index;
    writer.uint8(vehicles[index]![8]!);
  }
}

function toParts(degrees: number): number {
  return Math.round(degrees * PARTS_PER_DEGREE);
}

interface KnownVehicle {
  readonly deviceId: string;
  readonly provider: number;
}

/** A decoded message. */
interface DecodedFrame {
  /** Whether it is a snapshot, which replaces what was received before. */
  readonly whole: boolean;
  readonly frame: LiveFrame;
}

/**
 * Decodes the binary messages of one client, in the order in which they were received: those of one connection, and of further
 * ones that continue its state.
 */
export class LiveFrameDecoder {
  private known = new Map<number, KnownVehicle>();

  /**
   * The decoder is unchanged after an error.
   *
   * @throws LiveFrameError if the bytes are not a frame that follows the ones before
   */
  decode(bytes: Uint8Array): DecodedFrame {
    const reader = new FrameReader(bytes);
    const version = reader.uint8();
    if (version !== LIVE_FRAME_VERSION) {
      throw new LiveFrameError(
        'VERSION',
        `expected version ${LIVE_FRAME_VERSION} of the layout, got ${version}`,
      );
    }
    const flags = reader.uint8();
    if (flags > (SNAPSHOT_FLAG | CELLS_FLAG | BATTERIES_FLAG)) {
      throw new LiveFrameError('MALFORMED', `expected flags 0 to 7, got ${flags}`);
    }
    const whole = (flags & SNAPSHOT_FLAG) !== 0;
    const header = parseHeader(reader.text());
    const known = whole ? new Map<number, KnownVehicle>() : this.known;
    const introduced = readIntroduced(reader);
    const vehicles = readVehicles(reader, (number) => introduced.get(number) ?? known.get(number));
    const goneNumbers = readGone(reader);
    const cells = (flags & CELLS_FLAG) === 0 ? undefined : readCells(reader);
    if ((flags & BATTERIES_FLAG) !== 0) readBatteries(reader, vehicles);
    if (reader.remainingBytes > 0) {
      throw new LiveFrameError('MALFORMED', `${reader.remainingBytes} bytes follow the frame`);
    }
    const gone: GoneRow[] = [];
    for (const number of goneNumbers) {
      // After a connection was lost, a vehicle may be gone that entered meanwhile.
      const vehicle = known.get(number);
      if (vehicle !== undefined) gone.push([vehicle.deviceId, vehicle.provider]);
    }
    for (const number of goneNumbers) known.delete(number);
    for (const [number, vehicle] of introduced) known.set(number, vehicle);
    this.known = known;
    return { whole, frame: { ...header, vehicles, gone, ...(cells !== undefined && { cells }) } };
  }
}

function parseHeader(text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new LiveFrameError('MALFORMED', 'the header is not JSON', { cause: error });
  }
  if (typeof header !== 'object' || header === null || !('asOf' in header)) {
    throw new LiveFrameError('MALFORMED', 'the header is not that of a frame');
  }
  return header as Header;
}

function readIntroduced(reader: FrameReader): Map<number, KnownVehicle> {
  const introduced = new Map<number, KnownVehicle>();
  let number = 0;
  for (let count = reader.count(INTRODUCED_BYTES); count > 0; count -= 1) {
    number += reader.signed();
    const provider = reader.varint();
    introduced.set(number, { deviceId: reader.uuid(), provider });
  }
  return introduced;
}

function readVehicles(reader: FrameReader, find: (number: number) => KnownVehicle | undefined): VehicleRow[] {
  const count = reader.count(VEHICLE_BYTES);
  const south = reader.int32();
  const west = reader.int32();
  const rows: VehicleRow[] = [];
  let number = 0;
  for (let index = 0; index < count; index += 1) {
    number += reader.signed();
    const lat = (south + reader.varint()) / PARTS_PER_DEGREE;
    const lng = (west + reader.varint()) / PARTS_PER_DEGREE;
    const look = reader.uint32();
    const { deviceId, provider } = find(number) ?? unknownVehicle(number);
    const heading = look & UNKNOWN_HEADING;
    const speed = (look >>> SPEED_BIT) & UNKNOWN_SPEED;
    const state = states[(look >>> STATE_BIT) & 0xf];
    const contact = contacts[look >>> CONTACT_BIT];
    if (state === undefined || contact === undefined) {
      throw new LiveFrameError('MALFORMED', `the state or contact of vehicle ${number} is not defined`);
    }
    rows.push([
      deviceId,
      lat,
      lng,
      heading === UNKNOWN_HEADING ? null : heading / PARTS,
      speed === UNKNOWN_SPEED ? null : speed / PARTS,
      state,
      contact,
      provider,
    ]);
  }
  return rows;
}

function readGone(reader: FrameReader): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let count = reader.count(GONE_BYTES); count > 0; count -= 1) {
    number += reader.signed();
    numbers.push(number);
  }
  return numbers;
}

function readCells(reader: FrameReader): CellRow[] {
  const cells: CellRow[] = [];
  for (let count = reader.count(CELL_BYTES); count > 0; count -= 1) {
    const lat = reader.int32() / PARTS_PER_DEGREE;
    const lng = reader.int32() / PARTS_PER_DEGREE;
    const present = reader.uint16();
    if (present >= 1 << states.length) throw new LiveFrameError('MALFORMED', 'a state is not defined');
    const counts: { -readonly [S in keyof CellRow[2]]: CellRow[2][S] } = {};
    for (const [bit, state] of states.entries()) {
      if ((present & (1 << bit)) !== 0) counts[state ?? 'unknown'] = reader.varint();
    }
    cells.push([lat, lng, counts]);
  }
  return cells;
}

/** Adds the levels to the rows. */
function readBatteries(reader: FrameReader, vehicles: VehicleRow[]): void {
  let index = 0;
  for (let count = reader.count(BATTERY_BYTES); count > 0; count -= 1) {
    index += reader.signed();
    const row = vehicles[index];
    if (row === undefined) throw new LiveFrameError('MALFORMED', `there is no vehicle ${index} in the frame`);
    const [deviceId, lat, lng, heading, speed, state, contact, provider] = row;
    vehicles[index] = [deviceId, lat, lng, heading, speed, state, contact, provider, reader.uint8()];
  }
}

function unknownVehicle(number: number): never {
  throw new LiveFrameError(
    'UNKNOWN_VEHICLE',
    `no frame since the last snapshot introduced vehicle ${number}`,
  );
}
