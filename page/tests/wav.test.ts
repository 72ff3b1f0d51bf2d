import { describe, expect, it } from "vitest";
import { decode, parseWav } from "../src/audio/wav";

const text = (value: string): number[] => [...value].map((letter) => letter.charCodeAt(0));
const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const part = (name: string, body: number[], length = body.length): number[] => [
  ...text(name),
  ...u32(length),
  ...body,
  ...(body.length % 2 ? [0] : []),
];

function format(kind: number, channels: number, bits: number): number[] {
  const frame = (channels * bits) / 8;
  return [...u16(kind), ...u16(channels), ...u32(44_100), ...u32(44_100 * frame), ...u16(frame), ...u16(bits)];
}

function file(parts: number[][], outer = "RIFF"): ArrayBuffer {
  const body = [...text("WAVE"), ...parts.flat()];
  return new Uint8Array([...text(outer), ...u32(body.length), ...body]).buffer;
}

describe("the header", () => {
  it("is found behind other parts, with odd lengths padded", () => {
    const wav = file([part("LIST", [1, 2, 3]), part("fmt ", format(1, 2, 16)), part("data", new Array(40).fill(0))]);
    expect(parseWav(wav, wav.byteLength)).toEqual({
      sampleRate: 44_100,
      channels: 2,
      bytesPerFrame: 4,
      encoding: "int16",
      frames: 10,
      dataStart: 56,
    });
  });
  it("is enough, the samples need not be there", () => {
    const wav = file([part("fmt ", format(1, 1, 24)), part("data", [], 3000)]);
    expect(parseWav(wav, wav.byteLength + 3000).frames).toBe(1000);
  });
  it("does not promise more than the file holds", () => {
    const wav = file([part("fmt ", format(1, 1, 16)), part("data", [0, 0, 0, 0], 0xffffffff)]);
    expect(parseWav(wav, wav.byteLength).frames).toBe(2);
  });
  it("may be RF64, with its length elsewhere", () => {
    const length = 5 * 2 ** 32;
    const ds64 = [...u32(0), ...u32(0), ...u32(0), ...u32(5), ...u32(0), ...u32(0), ...u32(0)];
    const wav = file([part("ds64", ds64), part("fmt ", format(1, 2, 16)), part("data", [], 0xffffffff)], "RF64");
    expect(parseWav(wav, length + 1000).frames).toBe(length / 4);
  });
  it("may be extensible", () => {
    const extensible = [
      ...format(0xfffe, 2, 32),
      ...u16(22),
      ...u16(32),
      ...u32(3),
      ...u16(3),
      ...new Array(14).fill(0),
    ];
    expect(parseWav(file([part("fmt ", extensible), part("data", new Array(8).fill(0))]), 999).encoding).toBe(
      "float32",
    );
  });
  it("is refused when it is none", () => {
    expect(() => parseWav(new Uint8Array(text("fLaC............")).buffer, 16)).toThrow("expected a WAV file");
    expect(() => parseWav(file([part("fmt ", format(6, 1, 8)), part("data", [0, 0])]), 99)).toThrow(
      "got kind 6 with 8 bits",
    );
  });
});

describe("samples", () => {
  const layout = { sampleRate: 44_100, channels: 2, frames: 2, dataStart: 0 };
  it("of 16 bits", () => {
    const bytes = new Int16Array([0x4000, -0x8000, 0x7fff, 0]).buffer;
    expect(decode(bytes, { ...layout, bytesPerFrame: 4, encoding: "int16" }, 2)).toEqual([
      new Float32Array([0.5, 32767 / 32768]),
      new Float32Array([-1, 0]),
    ]);
  });
  it("of 24 bits, with their sign", () => {
    const bytes = new Uint8Array([0, 0, 0x40, 0, 0, 0xc0, 1, 0, 0, 0xff, 0xff, 0xff]).buffer;
    expect(decode(bytes, { ...layout, bytesPerFrame: 6, encoding: "int24" }, 2)).toEqual([
      new Float32Array([0.5, 2 ** -23]),
      new Float32Array([-0.5, -(2 ** -23)]),
    ]);
  });
  it("of 32 bits, float", () => {
    const bytes = new Float32Array([0.1, -0.2, 1.5, 0]).buffer;
    expect(decode(bytes, { ...layout, bytesPerFrame: 8, encoding: "float32" }, 2)).toEqual([
      new Float32Array([0.1, 1.5]),
      new Float32Array([-0.2, 0]),
    ]);
  });
  it("that are missing are silence", () => {
    const bytes = new Int16Array([0x4000, 0x4000]).buffer;
    expect(decode(bytes, { ...layout, bytesPerFrame: 4, encoding: "int16" }, 3)[0]).toEqual(
      new Float32Array([0.5, 0, 0]),
    );
  });
});
