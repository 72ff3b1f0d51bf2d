// WAV as the server plays it (`?as=play`): RIFF, or RF64 above 4 GB; PCM of 16, 24 or 32 bits, or float of 32 bits.
// The browser's own decoder takes only whole files; by hand, any range of an hour-long song costs only its bytes.

export interface WavLayout {
  sampleRate: number;
  channels: number;
  frames: number;
  /** Where the samples begin in the file. */
  dataStart: number;
  bytesPerFrame: number;
  encoding: "int16" | "int24" | "int32" | "float32";
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const TO_THE_END = 0xffffffff;

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

export function isWav(head: ArrayBuffer): boolean {
  const view = new DataView(head);
  return view.byteLength >= 12 && ["RIFF", "RF64"].includes(tag(view, 0)) && tag(view, 8) === "WAVE";
}

/** The layout from the first bytes of a file of `size` bytes; the header has to be inside `head`. */
export function parseWav(head: ArrayBuffer, size: number): WavLayout {
  if (!isWav(head)) throw new Error("expected a WAV file, got something else");
  const view = new DataView(head);
  let format: Pick<WavLayout, "sampleRate" | "channels" | "bytesPerFrame" | "encoding"> | null = null;
  let largeSize: number | null = null;
  for (let at = 12; at + 8 <= view.byteLength;) {
    const name = tag(view, at);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name === "ds64") largeSize = Number(view.getBigUint64(body + 8, true));
    if (name === "fmt ") format = parseFormat(view, body);
    if (name === "data" && format !== null) {
      const stated = length === TO_THE_END ? (largeSize ?? size) : length;
      const frames = Math.floor(Math.min(stated, size - body) / format.bytesPerFrame);
      return { ...format, frames, dataStart: body };
    }
    at = body + length + (length % 2);
  }
  throw new Error("expected a WAV file with samples, found none");
}

function parseFormat(
  view: DataView,
  at: number,
): Pick<WavLayout, "sampleRate" | "channels" | "bytesPerFrame" | "encoding"> {
  const outer = view.getUint16(at, true);
  const kind = outer === EXTENSIBLE ? view.getUint16(at + 24, true) : outer;
  const bits = view.getUint16(at + 14, true);
  const encoding = ENCODINGS[`${kind}:${bits}`];
  if (encoding === undefined) throw new Error(`expected PCM or float WAV, got kind ${kind} with ${bits} bits`);
  return {
    channels: view.getUint16(at + 2, true),
    sampleRate: view.getUint32(at + 4, true),
    bytesPerFrame: view.getUint16(at + 12, true),
    encoding,
  };
}

const ENCODINGS: Record<string, WavLayout["encoding"]> = {
  [`${PCM}:16`]: "int16",
  [`${PCM}:24`]: "int24",
  [`${PCM}:32`]: "int32",
  [`${FLOAT}:32`]: "float32",
};

const READERS: Record<WavLayout["encoding"], [number, (view: DataView, at: number) => number]> = {
  int16: [2, (view, at) => view.getInt16(at, true) / 0x8000],
  int24: [3, (view, at) => (view.getUint16(at, true) | (view.getInt8(at + 2) << 16)) / 0x800000],
  int32: [4, (view, at) => view.getInt32(at, true) / 0x80000000],
  float32: [4, (view, at) => view.getFloat32(at, true)],
};

/** The channels of interleaved samples, each of `frames` numbers; what `bytes` lacks is silence. */
export function decode(bytes: ArrayBuffer, layout: WavLayout, frames: number): Float32Array<ArrayBuffer>[] {
  const view = new DataView(bytes);
  const [width, read] = READERS[layout.encoding];
  const given = Math.min(frames, Math.floor(bytes.byteLength / layout.bytesPerFrame));
  return Array.from({ length: layout.channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let frame = 0, at = channel * width; frame < given; frame++, at += layout.bytesPerFrame) {
      samples[frame] = read(view, at);
    }
    return samples;
  });
}
