/** Loudness and peak of a point in the graph, of both channels. */
export class Meter {
  /** Mean power over the last seconds. */
  power = 0;
  /** The highest amplitude since the last measurement. */
  peak = 0;
  private readonly analysers: AnalyserNode[];
  private readonly window: Float32Array<ArrayBuffer>;

  constructor(context: BaseAudioContext, node: AudioNode) {
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    node.connect(splitter);
    this.analysers = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, { fftSize: 2048 });
      splitter.connect(analyser, channel);
      return analyser;
    });
    this.window = new Float32Array(2048);
  }

  measure(): void {
    let [sum, peak] = [0, 0];
    for (const analyser of this.analysers) {
      analyser.getFloatTimeDomainData(this.window);
      for (const value of this.window) {
        sum += value * value;
        peak = Math.max(peak, Math.abs(value));
      }
    }
    this.peak = peak;
    // 60 measurements a second: a mean over about two seconds.
    const share = this.power === 0 ? 1 : 1 / 120;
    this.power += share * (sum / (2 * this.window.length) - this.power);
  }
}
