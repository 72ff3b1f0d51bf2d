// The parts of all tracks that are in memory: bounded, whatever the length of the song.
import type { Source } from "./source";

/** One buffer per track, all of the same part of the song. */
export type Chunk = ReadonlyMap<string, AudioBuffer>;

/** About eight chunks of five seconds of six stereo tracks; a phone bears it. */
const LIMIT_BYTES = 96 * 1024 * 1024;
/** Now, and two ahead. */
const FEWEST = 4;

export class Chunks {
  private readonly held = new Map<number, Promise<Chunk>>();
  private readonly abort = new AbortController();

  constructor(
    private readonly sources: readonly Source[],
    readonly frames: number,
    private readonly total: number,
    private readonly sampleRate: number,
  ) {}

  get count(): number {
    return Math.ceil(this.total / this.frames);
  }

  /** A chunk of all tracks. The last one used is the last one to be forgotten. */
  get(index: number): Promise<Chunk> {
    const held = this.held.get(index) ?? this.load(index);
    this.held.delete(index);
    this.held.set(index, held);
    held.catch(() => this.held.delete(index));
    this.forget();
    return held;
  }

  prefetch(index: number): void {
    if (index < this.count) this.get(index).catch(() => undefined);
  }

  close(): void {
    this.abort.abort();
    this.held.clear();
  }

  private async load(index: number): Promise<Chunk> {
    const from = index * this.frames;
    const buffers = this.sources.map(async (source) => [source.name, await this.buffer(source, from)] as const);
    return new Map(await Promise.all(buffers));
  }

  /** One sample more than the chunk: at other speeds the last output sample lies between it and the next one. */
  private async buffer(source: Source, from: number): Promise<AudioBuffer> {
    const length = this.frames + 1;
    const samples = await source.read(from, from + length, this.abort.signal);
    const buffer = new AudioBuffer({ length, numberOfChannels: source.channels, sampleRate: this.sampleRate });
    samples.forEach((channel, index) => buffer.copyToChannel(channel, index));
    return buffer;
  }

  private forget(): void {
    const channels = this.sources.reduce((sum, source) => sum + source.channels, 0);
    const most = Math.max(FEWEST, Math.floor(LIMIT_BYTES / (channels * this.frames * Float32Array.BYTES_PER_ELEMENT)));
    for (const index of this.held.keys()) {
      if (this.held.size <= most) return;
      this.held.delete(index);
    }
  }
}
