// All tracks of a separation, in one audio context, on one clock.
//
// Every track is cut into the same chunks. A chunk is started for all tracks together, at one time of the audio clock and
// with one offset, and the next chunk exactly where it ends. Tracks cannot drift apart: nothing but the audio clock moves
// them. (wavesurfer.js and peaks.js play media elements, which start and run each on their own: they are tens of
// milliseconds apart, which is a comb filter as soon as stems are summed.)
import { chunkFrames, type Region } from "../maths/pieces";
import { Chunks } from "./chunks";
import { Graph } from "./graph";
import type { Source } from "./source";
import { Transport } from "./transport";

const LOOK_MS = 200;

export class Player {
  readonly context: AudioContext;
  readonly graph: Graph;
  readonly chunks: Chunks;
  readonly sampleRate: number;
  /** Samples of the song. */
  readonly total: number;
  isPlaying = false;
  onChange: () => void = () => undefined;
  onError: (error: unknown) => void = () => undefined;

  private readonly transport: Transport;
  private readonly timer: number;
  /** Where it goes on after a pause. */
  private rest = 0;

  /** `mixture` names the track that is the song itself: it is compared with the mix and not part of it. */
  constructor(sources: readonly Source[], mixture: string | null) {
    this.sampleRate = sources[0]?.sampleRate ?? 44_100;
    this.total = Math.max(0, ...sources.map((source) => source.frames));
    // At the rate of the song: a sample of the song is a sample of the clock.
    this.context = new AudioContext({ sampleRate: this.sampleRate, latencyHint: "interactive" });
    const stems = sources.map((source) => source.name).filter((name) => name !== mixture);
    this.graph = new Graph(this.context, stems, mixture);
    this.chunks = new Chunks(sources, chunkFrames(this.sampleRate), this.total, this.sampleRate);
    this.transport = new Transport(this.context, this.chunks, this.total, (track) => this.graph.entrance(track));
    this.transport.onChange = () => this.onChange();
    this.transport.onError = (error) => this.fail(error);
    this.timer = window.setInterval(() => this.look(), LOOK_MS);
    this.chunks.prefetch(0);
  }

  /** The sample that is heard now. */
  get position(): number {
    if (!this.isPlaying) return this.rest;
    return this.transport.position(this.context.currentTime - (this.context.outputLatency || 0));
  }

  get isWaiting(): boolean {
    return this.isPlaying && this.transport.isWaiting;
  }

  get speed(): number {
    return this.transport.speed;
  }

  get loop(): Region | null {
    return this.transport.loop;
  }

  /** Where each track is on the audio clock, in samples. */
  positions(): number[] {
    return this.isPlaying ? this.transport.positions(this.context.currentTime) : [];
  }

  async play(): Promise<void> {
    if (this.isPlaying) return;
    if (this.rest >= this.total) this.rest = this.loop?.from ?? 0;
    this.isPlaying = true;
    this.onChange();
    await this.context.resume();
    if (this.isPlaying) this.jump();
  }

  pause(): void {
    if (!this.isPlaying) return;
    this.rest = this.position;
    this.isPlaying = false;
    this.transport.halt(this.dip());
    this.onChange();
  }

  /** Goes on at a sample of the song. */
  seek(position: number): void {
    this.rest = Math.min(Math.max(0, position), this.total);
    if (this.isPlaying) this.jump();
    else this.chunks.prefetch(Math.floor(this.rest / this.chunks.frames));
    this.onChange();
  }

  /** The pitch follows the speed, as on a turntable. */
  setSpeed(speed: number): void {
    this.replan(() => (this.transport.speed = speed));
  }

  setLoop(loop: Region | null): void {
    this.replan(() => (this.transport.loop = loop));
  }

  close(): void {
    window.clearInterval(this.timer);
    this.isPlaying = false;
    this.transport.halt(0);
    this.chunks.close();
    void this.context.close();
  }

  /** Music that goes on under another plan: no jump is heard. */
  private replan(change: () => void): void {
    const time = this.transport.startTime;
    const position = this.transport.position(time);
    change();
    if (this.isPlaying) this.transport.aim(position, time);
    this.onChange();
  }

  private jump(): void {
    this.transport.aim(this.rest, this.dip());
  }

  private dip(): number {
    const time = this.transport.startTime;
    this.graph.dip(time);
    return time;
  }

  private look(): void {
    if (!this.isPlaying) return;
    void this.transport.pump();
    if (this.transport.isOver) this.finish();
  }

  private fail(error: unknown): void {
    this.pause();
    this.onError(error);
  }

  private finish(): void {
    this.pause();
    this.rest = 0;
    this.onChange();
  }
}
