// One open separation: its player, and what the mixer shows. Signals, so that a moving playhead redraws nothing else.
import { computed, effect, signal } from "@preact/signals";
import { Player } from "../../audio/player";
import { openSource } from "../../audio/source";
import type { Peaks, Separation, Track } from "../../api/types";
import { server } from "../../api/client";
import { audible, STRIP, type Strip } from "../../maths/gain";
import { region, type Region } from "../../maths/pieces";
import { following, within, zoomed, type View } from "../../maths/view";
import { trouble } from "../../state/store";

const MOST_BUCKETS = 20_000;
const BUCKETS_PER_S = 60;

export class Session {
  readonly duration: number;
  readonly isPlaying = signal(false);
  readonly isWaiting = signal(false);
  /** Seconds. */
  readonly position = signal(0);
  /** The highest amplitude of late, 0 to 1 and above. */
  readonly level = signal(0);
  readonly speed = signal(1);
  readonly masterDb = signal(0);
  readonly hearsOriginal = signal(false);
  readonly chosen = signal(0);
  readonly strips = signal<ReadonlyMap<string, Strip>>(new Map());
  readonly heard = computed(() => audible(this.strips.value));
  readonly peaks = signal<ReadonlyMap<string, Peaks>>(new Map());
  /** Of all tracks, so that their waveforms can be compared. */
  readonly loudest = computed(() => loudestOf(this.peaks.value.values()));
  readonly view;
  /** Seconds; kept while `isLooping` is off. */
  readonly loop = signal<{ from: number; to: number } | null>(null);
  readonly isLooping = signal(false);
  private readonly stop = new AbortController();
  private readonly effects: (() => void)[];
  private frame = 0;
  private isScrubbing = false;

  private constructor(
    readonly player: Player,
    readonly mixture: Track | null,
    readonly stems: readonly Track[],
  ) {
    this.duration = player.total / player.sampleRate;
    this.view = signal<View>({ from: 0, to: this.duration });
    // A ready-made mix of the same stems would double them: it starts muted.
    this.strips.value = new Map(stems.map(({ name, kind }) => [name, { ...STRIP, muted: kind === "mix" }]));
    player.onChange = () => this.refresh();
    player.onError = (error) => (trouble.value = error instanceof Error ? error.message : String(error));
    this.effects = [
      effect(() =>
        this.strips.value.forEach(({ pan }, name) => player.graph.setTrack(name, this.heard.value.get(name) ?? 0, pan)),
      ),
      effect(() => player.graph.setMaster(this.masterDb.value)),
      effect(() => player.graph.setOriginal(this.hearsOriginal.value)),
      effect(() => player.setLoop(this.isLooping.value ? this.region() : null)),
      effect(() => player.setSpeed(this.speed.value)),
    ];
    for (const track of this.tracks) void this.loadPeaks(track);
  }

  static async open({ tracks }: Separation): Promise<Session> {
    const mixture = tracks.find(({ kind }) => kind === "mixture") ?? null;
    const stems = tracks.filter(({ kind }) => kind !== "mixture");
    const sources = await Promise.all(tracks.map(({ name, url }) => openSource(name, `${url}?as=play`)));
    return new Session(new Player(sources, mixture?.name ?? null), mixture, stems);
  }

  get tracks(): readonly Track[] {
    return this.mixture === null ? this.stems : [...this.stems, this.mixture];
  }

  toggle(): void {
    if (this.isPlaying.value) this.player.pause();
    else void this.player.play();
  }

  /** Shows where a drag would seek to. */
  scrub(seconds: number): void {
    this.isScrubbing = true;
    this.position.value = seconds;
  }

  seek(seconds: number): void {
    this.isScrubbing = false;
    this.player.seek(Math.round(Math.min(Math.max(0, seconds), this.duration) * this.player.sampleRate));
    this.view.value = following(this.view.value, this.position.value, this.duration);
  }

  change(name: string, part: Partial<Strip>): void {
    const strip = this.strips.value.get(name);
    if (strip !== undefined) this.strips.value = new Map([...this.strips.value, [name, { ...strip, ...part }]]);
  }

  /** A region from two times; a mere click makes none. */
  setLoop(a: number, b: number): void {
    const rate = this.player.sampleRate;
    const found = region(a * rate, b * rate, this.player.total, rate);
    if (found === null) return;
    this.loop.value = { from: found.from / rate, to: found.to / rate };
    this.isLooping.value = true;
  }

  /** Loop on or off; without a region, of what is seen. */
  toggleLoop(): void {
    if (this.loop.value === null) this.setLoop(this.view.value.from, this.view.value.to);
    else this.isLooping.value = !this.isLooping.value;
  }

  zoom(factor: number, around: number = this.position.value): void {
    this.view.value = zoomed(this.view.value, factor, around, this.duration);
  }

  scrollTo(from: number): void {
    const { from: old, to } = this.view.value;
    this.view.value = within({ from, to: from + to - old }, this.duration);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.stop.abort();
    this.effects.forEach((end) => end());
    this.player.close();
  }

  private region(): Region | null {
    const [loop, rate] = [this.loop.value, this.player.sampleRate];
    return loop === null ? null : region(loop.from * rate, loop.to * rate, this.player.total, rate);
  }

  private refresh(): void {
    this.isPlaying.value = this.player.isPlaying;
    this.isWaiting.value = this.player.isWaiting;
    if (!this.isScrubbing) this.position.value = this.player.position / this.player.sampleRate;
    cancelAnimationFrame(this.frame);
    if (this.player.isPlaying) this.frame = requestAnimationFrame(() => this.tick());
    else this.level.value = 0;
  }

  private tick(): void {
    const { graph } = this.player;
    graph.measure();
    this.level.value = Math.max(graph.output.peak, this.level.value * 0.92);
    const before = this.view.value;
    const wasInside = this.position.value >= before.from && this.position.value <= before.to;
    this.refresh();
    // Whoever looks elsewhere is left there.
    if (wasInside) this.view.value = following(before, this.position.value, this.duration);
  }

  private async loadPeaks({ name, peaks_url }: Track): Promise<void> {
    const buckets = Math.min(MOST_BUCKETS, Math.max(1000, Math.round(this.duration * BUCKETS_PER_S)));
    try {
      const peaks = await server.peaks(peaks_url, buckets, this.stop.signal);
      this.peaks.value = new Map([...this.peaks.value, [name, peaks]]);
    } catch (error) {
      if (!this.stop.signal.aborted) trouble.value = error instanceof Error ? error.message : String(error);
    }
  }
}

function loudestOf(tracks: Iterable<Peaks>): number {
  let loudest = 1;
  for (const { min, max } of tracks) {
    for (const value of max) loudest = Math.max(loudest, value);
    for (const value of min) loudest = Math.max(loudest, -value);
  }
  return loudest / 127;
}
