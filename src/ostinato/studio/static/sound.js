// The synthesizer: a soundfont played in an audio worklet. It starts on the first wish to hear something,
// as browsers allow sound only after a click or a key.

const PROCESSOR = "/static/vendor/spessasynth/spessasynth_processor.min.js";
const FADE = 0.02; // seconds: short enough to act at once, long enough not to click
const DRUM_CHANNEL = 9;

export class Sound {
  constructor() {
    this.context = null;
    this.synth = null;
    this.starting = null;
    this.level = 0.8;
    this.owner = null; // the player that sounds: there is one synthesizer for all of them
  }

  /** Resolves when notes can sound. A failure is forgotten, so that the next call tries again. */
  start() {
    this.starting ??= this.load().catch((error) => {
      this.starting = null;
      throw error;
    });
    this.context?.resume();
    return this.starting;
  }

  async load() {
    // Made before anything is awaited: the browser must still see the click that asked for it.
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    const font = fetch("/soundfont").then(
      (response) => {
        if (!response.ok) throw new Error("The server has no soundfont: the page cannot play.");
        return response.arrayBuffer();
      },
      () => {
        throw new Error("The soundfont could not be loaded: the server does not answer.");
      },
    );
    const [{ WorkletSynthesizer }, bytes] = await Promise.all([
      import("./vendor/spessasynth/spessasynth.min.js"),
      font,
      this.context.audioWorklet.addModule(PROCESSOR),
    ]);
    const synth = new WorkletSynthesizer(this.context, { eventsEnabled: false });
    this.gain = new GainNode(this.context, { gain: this.level });
    this.analyser = new AnalyserNode(this.context, { fftSize: 2048 });
    synth.connect(this.gain);
    this.gain.connect(this.analyser).connect(this.context.destination);
    await synth.soundBankManager.addSoundBank(bytes, "main");
    await synth.isReady;
    await this.context.resume();
    this.synth = synth;
  }

  get ready() {
    return this.synth !== null;
  }

  get now() {
    return this.context?.currentTime ?? 0;
  }

  /** How long after `now` a sound leaves the loudspeaker: the picture waits for it. */
  get delay() {
    return this.context?.outputLatency || 0;
  }

  set volume(level) {
    this.level = level;
    if (this.ready && this.owner?.playing) this.fade(level);
  }

  fade(level) {
    this.gain.gain.cancelScheduledValues(this.now);
    this.gain.gain.setTargetAtTime(level, this.now, FADE / 3);
  }

  /** MIDI channels of tracks: drums on 9, the others on all that are left, beyond 16 if it must be. */
  channels(tracks) {
    let next = 0;
    return tracks.map((track) => {
      if (track.drum) return DRUM_CHANNEL;
      if (next % 16 === DRUM_CHANNEL) next += 1;
      return next++;
    });
  }

  setInstruments(tracks, channels) {
    channels.forEach((channel, index) => {
      while (this.synth.channelCount <= channel) this.synth.addNewChannel();
      this.synth.programChange(channel, tracks[index].program ?? 0);
    });
  }

  silence() {
    if (!this.ready) return;
    this.fade(0);
    this.synth.stopAll(false);
  }

  /** Ends at once, at a time, whatever sounds then. */
  cut(time) {
    const allSoundOff = 120;
    for (let channel = 0; channel < this.synth.channelCount; channel += 1)
      this.synth.controllerChange(channel, allSoundOff, 0, { time });
  }

  /** A short note, to hear what is drawn. */
  async touch(pitch, drum = false, program = 0, seconds = 0.3) {
    await this.start();
    if (this.owner?.playing) return;
    const channel = drum ? DRUM_CHANNEL : 0;
    this.fade(this.level);
    this.synth.programChange(channel, program);
    this.synth.noteOn(channel, pitch, 90);
    this.synth.noteOff(channel, pitch, { time: this.now + seconds });
  }

  /** Loudness of the last 46 ms, 0 where it is silent. */
  get rms() {
    if (!this.ready) return 0;
    const wave = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(wave);
    return Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
  }
}
