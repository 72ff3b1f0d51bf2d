// The sound's way out:
//
//   track -> gain -> pan -> mix ---------\
//                                         > master -> fade -> speakers
//   mixture ----------------> original --/
//
// Mix and original are both measured in front of the switch, so that A/B compares sound and not loudness.
import { amplitude, matching } from "../maths/gain";
import { Meter } from "./meter";

/** Long enough to hide a click, short enough to feel immediate. */
const SMOOTH_S = 0.012;

interface Lane {
  gain: GainNode;
  pan: StereoPannerNode;
}

export class Graph {
  private readonly lanes = new Map<string, Lane>();
  private readonly mix: GainNode;
  private readonly original: GainNode;
  private readonly master: GainNode;
  private readonly fade: GainNode;
  private readonly mixMeter: Meter;
  private readonly originalMeter: Meter;
  readonly output: Meter;

  constructor(
    private readonly context: AudioContext,
    stems: readonly string[],
    private readonly mixture: string | null,
  ) {
    this.fade = new GainNode(context);
    this.fade.connect(context.destination);
    this.output = new Meter(context, this.fade);
    this.master = this.connected(this.fade);
    this.mix = this.connected(this.master);
    this.original = this.connected(this.master, 0);
    const mixBus = this.connected(this.mix);
    for (const name of stems) this.lanes.set(name, this.lane(mixBus));
    const originalBus = this.connected(this.original);
    if (mixture !== null) this.lanes.set(mixture, this.lane(originalBus));
    this.mixMeter = new Meter(context, mixBus);
    this.originalMeter = new Meter(context, originalBus);
  }

  entrance(name: string): AudioNode | undefined {
    return this.lanes.get(name)?.gain;
  }

  setTrack(name: string, gain: number, pan: number): void {
    const lane = this.lanes.get(name);
    if (lane === undefined || name === this.mixture) return;
    this.glide(lane.gain.gain, gain);
    this.glide(lane.pan.pan, pan);
  }

  setMaster(gainDb: number): void {
    this.glide(this.master.gain, amplitude(gainDb));
  }

  /** Only one of both is heard; the original at the loudness that the mix has had of late. */
  setOriginal(heard: boolean): void {
    const gain = matching(this.originalMeter.power, this.mixMeter.power);
    this.glide(this.mix.gain, heard ? 0 : 1);
    this.glide(this.original.gain, heard ? gain : 0);
  }

  /** To be called regularly while it plays. */
  measure(): void {
    for (const meter of [this.mixMeter, this.originalMeter, this.output]) meter.measure();
  }

  /** Silence around `time`, where the music jumps. */
  dip(time: number): void {
    const gain = this.fade.gain;
    gain.cancelScheduledValues(this.context.currentTime);
    gain.setTargetAtTime(0, this.context.currentTime, SMOOTH_S / 3);
    gain.setTargetAtTime(1, time, SMOOTH_S / 3);
  }

  /** Mono counts as two equal channels: a panner would make it 3 dB softer than stereo. */
  private lane(bus: AudioNode): Lane {
    const gain = new GainNode(this.context, { channelCount: 2, channelCountMode: "explicit" });
    const pan = new StereoPannerNode(this.context);
    gain.connect(pan).connect(bus);
    return { gain, pan };
  }

  private connected(to: AudioNode, gain = 1): GainNode {
    const node = new GainNode(this.context, { gain });
    node.connect(to);
    return node;
  }

  private glide(parameter: AudioParam, value: number): void {
    parameter.setTargetAtTime(value, this.context.currentTime, SMOOTH_S);
  }
}
