// Starts the pieces of all tracks, each exactly where the one before it ends.
import { onGrid, pieceAt, type Piece, type Region } from "../maths/pieces";
import type { Chunk, Chunks } from "./chunks";
import { Schedule } from "./schedule";

/** From a key press to sound. The audio thread has to hear of a start before its time comes. */
const LEAD_S = 0.05;
/** How far ahead sources are started. A hidden tab looks only once a second. */
const AHEAD_S = 4;

export class Transport {
  speed = 1;
  loop: Region | null = null;
  /** Samples have not come in time. */
  isWaiting = false;
  onChange: () => void = () => undefined;
  onError: (error: unknown) => void = () => undefined;

  private readonly schedule: Schedule;
  /** The sample that is started next, null after the last one, and when. */
  private cursor: number | null = null;
  private cursorTime = 0;
  private target = 0;
  /** Counts jumps: what was fetched for an earlier one is not played. */
  private round = 0;
  private isPumping = false;

  constructor(
    private readonly context: BaseAudioContext,
    private readonly chunks: Chunks,
    private readonly total: number,
    private readonly entrance: (track: string) => AudioNode | undefined,
  ) {
    this.schedule = new Schedule(context);
  }

  /** Soon, and exactly on a sample of the clock. */
  get startTime(): number {
    return Math.ceil((this.context.currentTime + LEAD_S) * this.context.sampleRate) / this.context.sampleRate;
  }

  /** The last sample was heard. */
  get isOver(): boolean {
    return this.cursor === null && this.context.currentTime >= this.cursorTime;
  }

  positions(time: number): number[] {
    return this.schedule.positions(time);
  }

  position(time: number): number {
    return this.positions(time)[0] ?? this.target;
  }

  /** From `time` on, the music goes on at `position`; until then, what was planned before holds. */
  aim(position: number, time: number): void {
    this.halt(time);
    this.target = position;
    this.cursor = onGrid(position, this.speed);
    this.cursorTime = time;
    void this.pump();
  }

  /** Silence from `time` on. */
  halt(time: number): void {
    this.round++;
    this.cursor = this.target;
    this.isPumping = false;
    this.schedule.stop(time);
    this.setWaiting(false);
  }

  /** Starts what is due within the next seconds; to be called again and again. */
  async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    const round = this.round;
    try {
      await this.startDue(round);
    } catch (error) {
      if (round === this.round) this.onError(error);
    }
    if (round === this.round) this.isPumping = false;
  }

  private async startDue(round: number): Promise<void> {
    while (round === this.round && this.cursor !== null && this.cursorTime < this.context.currentTime + AHEAD_S) {
      const piece = pieceAt(this.cursor, this.chunks.frames, this.total, this.loop);
      if (piece === null) this.cursor = null;
      else await this.startOne(piece, round);
    }
  }

  private async startOne(piece: Piece, round: number): Promise<void> {
    const chunk = await this.inTime(piece.chunk);
    if (round !== this.round) return;
    this.setWaiting(false);
    // Too late: all tracks have waited together and go on together.
    if (this.cursorTime < this.context.currentTime) this.cursorTime = this.startTime;
    for (const [track, buffer] of chunk) this.startTrack(track, buffer, piece);
    this.cursor = piece.next;
    this.cursorTime += (piece.to - piece.from) / (this.context.sampleRate * this.speed);
  }

  private startTrack(track: string, buffer: AudioBuffer, { chunk, from, to }: Piece): void {
    const entrance = this.entrance(track);
    if (entrance === undefined) return;
    const node = new AudioBufferSourceNode(this.context, { buffer, playbackRate: this.speed });
    node.connect(entrance);
    const offset = from - chunk * this.chunks.frames;
    this.schedule.start(track, node, { when: this.cursorTime, from, frames: to - from, offset });
  }

  /** The chunk, with the two after it on their way; says so when it is late. */
  private async inTime(index: number): Promise<Chunk> {
    const round = this.round;
    const left_s = Math.max(0, this.cursorTime - this.context.currentTime);
    const late = setTimeout(() => round === this.round && this.setWaiting(true), left_s * 1000);
    const chunk = this.chunks.get(index);
    for (const ahead of [1, 2]) this.chunks.prefetch(index + ahead);
    try {
      return await chunk;
    } finally {
      clearTimeout(late);
    }
  }

  private setWaiting(isWaiting: boolean): void {
    if (isWaiting === this.isWaiting) return;
    this.isWaiting = isWaiting;
    this.onChange();
  }
}
