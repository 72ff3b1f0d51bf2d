// What was handed to the audio thread, track by track: the only place that knows where each of them is.

/** A buffer source that begins at `when` (seconds of the context) with sample `from` of the song. */
interface Sounding {
  node: AudioBufferSourceNode;
  when: number;
  from: number;
  frames: number;
  speed: number;
}

/** `offset`: where in its buffer the source begins, in samples. */
export type Start = Pick<Sounding, "when" | "from" | "frames"> & { offset: number };

export class Schedule {
  private readonly tracks = new Map<string, Sounding[]>();

  constructor(private readonly context: BaseAudioContext) {}

  /** Starts a source. A start in the past begins late, and is noted as late. */
  start(track: string, node: AudioBufferSourceNode, { when, from, frames, offset }: Start): void {
    const { sampleRate, currentTime } = this.context;
    node.start(when, offset / sampleRate, frames / sampleRate);
    const kept = (this.tracks.get(track) ?? []).filter((sounding) => this.end(sounding) > currentTime - 1);
    kept.push({ node, when: Math.max(when, currentTime), from, frames, speed: node.playbackRate.value });
    this.tracks.set(track, kept);
  }

  /** Ends everything at `time`: what sounds then, and what would begin later. */
  stop(time: number): void {
    for (const list of this.tracks.values()) {
      for (const { node } of list) node.stop(time);
    }
    this.tracks.clear();
  }

  /** The sample of the song that each track plays at `time`. */
  positions(time: number): number[] {
    return [...this.tracks.values()].map((list) => this.position(list, time));
  }

  private position(list: readonly Sounding[], time: number): number {
    const current = list.findLast((sounding) => sounding.when <= time) ?? list[0];
    if (current === undefined) return 0;
    const passed = Math.max(0, (time - current.when) * this.context.sampleRate * current.speed);
    return current.from + Math.min(passed, current.frames);
  }

  private end({ when, frames, speed }: Sounding): number {
    return when + frames / (this.context.sampleRate * speed);
  }
}
