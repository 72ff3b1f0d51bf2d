import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Chunk, Chunks } from "../src/audio/chunks";
import { Transport } from "../src/audio/transport";

const RATE = 1000;
const CHUNK = 900;
const TOTAL = 4000;
const TRACKS = ["vocals", "drums"];

interface Start {
  track: string;
  when: number;
  offset: number;
  duration: number;
  speed: number;
  stop: number;
}

/** What reaches the audio thread; `buffer` and the entrance carry names here. */
const started: Start[] = [];

class FakeSource {
  readonly playbackRate: { value: number };
  private readonly entry: Start;
  constructor(_context: unknown, { buffer, playbackRate }: { buffer: string; playbackRate: number }) {
    this.playbackRate = { value: playbackRate };
    this.entry = { track: buffer, when: 0, offset: 0, duration: 0, speed: playbackRate, stop: Infinity };
  }
  connect(): void {}
  start(when: number, offset: number, duration: number): void {
    started.push(Object.assign(this.entry, { when, offset, duration }));
  }
  stop(when: number): void {
    this.entry.stop = when;
  }
}

const context = { sampleRate: RATE, currentTime: 0 };
const chunk = new Map(TRACKS.map((track) => [track, track])) as unknown as Chunk;

function transport(get: (index: number) => Promise<Chunk> = async () => chunk): Transport {
  const chunks = { frames: CHUNK, get, prefetch: () => undefined } as unknown as Chunks;
  return new Transport(context as BaseAudioContext, chunks, TOTAL, () => ({}) as AudioNode);
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const of = (track: string): Start[] => started.filter((start) => start.track === track && start.stop === Infinity);

beforeEach(() => {
  started.length = 0;
  context.currentTime = 10;
  vi.stubGlobal("AudioBufferSourceNode", FakeSource);
});
afterEach(() => vi.unstubAllGlobals());

describe("the transport", () => {
  it("starts all tracks at the same times, each piece where the one before ends", async () => {
    transport().aim(250, 10.05);
    await settled();
    const [vocals, drums] = TRACKS.map((track) =>
      of(track).map(({ when, offset, duration }) => ({ when, offset, duration })),
    );
    expect(drums).toEqual(vocals);
    expect(vocals?.[0]).toEqual({ when: 10.05, offset: 0.25, duration: 0.65 });
    vocals?.reduce((before, next) => {
      expect(next.when).toBeCloseTo(before.when + before.duration, 9);
      expect(next.offset).toBe(0);
      return next;
    });
  });

  it("tells where every track is", async () => {
    const one = transport();
    one.aim(250, 10.05);
    await settled();
    expect(one.positions(10.05)).toEqual([250, 250]);
    expect(one.position(11.05)).toBeCloseTo(1250, 6);
    expect(one.position(10)).toBe(250);
  });

  it("goes round in a loop without a gap", async () => {
    const one = transport();
    one.loop = { from: 300, to: 500 };
    one.aim(300, 10.05);
    await settled();
    expect(of("vocals").length).toBeGreaterThan(15);
    for (const { offset, duration } of of("vocals")) expect([offset, duration]).toEqual([0.3, 0.2]);
    expect(one.position(10.05 + 0.2 * 3 + 0.05)).toBeCloseTo(350, 6);
  });

  it("plays twice the samples at twice the speed", async () => {
    const one = transport();
    one.speed = 2;
    one.aim(0, 10);
    await settled();
    expect(of("vocals")[1]?.when).toBeCloseTo(10 + CHUNK / RATE / 2, 9);
    expect(one.position(10.25)).toBeCloseTo(500, 6);
  });

  it("takes back what was planned when it jumps", async () => {
    const one = transport();
    one.aim(0, 10);
    await settled();
    one.aim(2000, 10.4);
    await settled();
    expect(started.filter(({ stop }) => stop === 10.4).length).toBeGreaterThan(2);
    expect(of("vocals")[0]).toMatchObject({ when: 10.4, offset: 0.2 });
    expect(one.positions(10.4)).toEqual([2000, 2000]);
  });

  it("does not play what was fetched for an earlier jump", async () => {
    let arrive: (chunk: Chunk) => void = () => undefined;
    const one = transport((index) =>
      index === 0 ? new Promise((resolve) => (arrive = resolve)) : Promise.resolve(chunk),
    );
    one.aim(0, 10);
    one.aim(1000, 10);
    arrive(chunk);
    await settled();
    expect(of("vocals")[0]?.offset).toBeCloseTo(0.1, 9);
  });

  it("waits with all tracks when samples are late, and goes on with all together", async () => {
    let arrive: (chunk: Chunk) => void = () => undefined;
    const one = transport(() => new Promise((resolve) => (arrive = resolve)));
    one.aim(0, 10);
    await settled();
    expect(one.isWaiting).toBe(true);
    context.currentTime = 12;
    arrive(chunk);
    await settled();
    expect(one.isWaiting).toBe(false);
    expect(started.map(({ when }) => when)).toEqual([12.05, 12.05]);
    expect(one.positions(12.05)).toEqual([0, 0]);
  });

  it("says when all is over", async () => {
    const one = transport();
    one.aim(3500, 10);
    await settled();
    expect(one.isOver).toBe(false);
    context.currentTime = 10.6;
    expect(one.isOver).toBe(true);
  });

  it("tells what went wrong, and does not go on by itself", async () => {
    const one = transport(() => Promise.reject(new Error("the server answered 500")));
    const errors: unknown[] = [];
    one.onError = (error) => errors.push(error);
    one.aim(0, 10);
    await settled();
    expect(errors).toEqual([new Error("the server answered 500")]);
    expect(started).toEqual([]);
  });
});
