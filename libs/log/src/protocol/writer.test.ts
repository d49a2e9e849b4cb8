import { describe, expect, it } from 'vitest';
import { Writer } from './writer.js';

describe('Writer', () => {
  it.each([
    ['int8', (writer: Writer) => writer.int8(7), Buffer.from([7])],
    ['int16', (writer: Writer) => writer.int16(7), Buffer.from([0, 7])],
    ['int32', (writer: Writer) => writer.int32(7), Buffer.from([0, 0, 0, 7])],
    ['int64', (writer: Writer) => writer.int64(7n), Buffer.from([0, 0, 0, 0, 0, 0, 0, 7])],
    ['unsignedVarint', (writer: Writer) => writer.unsignedVarint(300), Buffer.from([0xac, 0x02])],
    ['varlong', (writer: Writer) => writer.varlong(150n), Buffer.from([0xac, 0x02])],
    ['raw', (writer: Writer) => writer.raw(Buffer.from('abc')), Buffer.from('abc')],
    ['string', (writer: Writer) => writer.string('abc'), Buffer.from('\0\u0003abc')],
  ])('writes %s at every position around a growth of its buffer', (_, write, expected) => {
    for (let before = 500; before <= 520; before += 1) {
      const writer = new Writer();
      for (let byte = 0; byte < before; byte += 1) writer.int8(0);
      write(writer);
      expect(Buffer.concat(writer.finish()).subarray(before)).toEqual(expected);
    }
  });
});
