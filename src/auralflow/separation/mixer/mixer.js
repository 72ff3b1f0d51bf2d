// The stems of a song in one clock. Every mixer of the page that has none yet gets its `mixer`.
(() => {
  // All sources are told to start at one moment of one clock, so stems stay together to the sample.
  const LEAD_S = 0.05; // from the order to start until the start
  const FADE_S = 0.01; // without it, a changed volume clicks

  // Contexts are few in some browsers: all mixers of a page share one.
  const shared = (globalThis[Symbol.for("auralflow.mixer")] ??= { context: null, playing: null });

  function bytesOf(address) {
    const text = atob(address.slice(address.indexOf(",") + 1));
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;
  }

  function show(seconds) {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  }

  class Track {
    constructor(row) {
      this.player = row.querySelector("audio");
      this.mute = row.querySelector(".mute");
      this.solo = row.querySelector(".solo");
      this.volume = row.querySelector(".volume");
    }

    async load(context) {
      this.buffer = await context.decodeAudioData(bytesOf(this.player.src));
      this.gain = context.createGain();
      this.gain.connect(context.destination);
    }

    start(context, when, offset) {
      this.source = context.createBufferSource();
      this.source.buffer = this.buffer;
      this.source.connect(this.gain);
      this.source.start(when, offset);
    }

    stop() {
      this.source?.stop();
      this.source?.disconnect();
      this.source = null;
    }
  }

  class Mixer {
    constructor(root) {
      this.root = root;
      this.tracks = [...root.querySelectorAll(".track")].map((row) => new Track(row));
      this.offset = 0; // where it stands, in seconds, while nothing plays
      this.startedAt = null; // when the clock would have shown offset 0
      this.duration = Number(root.dataset.duration);
      this.frame = null;
      for (const name of ["play", "place", "time", "problem"]) this[name] = root.querySelector(`.${name}`);
      this.listen();
      root.querySelector(".transport").hidden = false;
      root.classList.add("ready");
    }

    listen() {
      this.play.addEventListener("click", () => (this.startedAt === null ? this.start() : this.pause()));
      this.place.addEventListener("input", () => this.seek(this.place.valueAsNumber));
      for (const track of this.tracks) {
        for (const button of [track.mute, track.solo])
          button.addEventListener("click", () => {
            button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
            this.balance();
          });
        track.volume.addEventListener("input", () => this.balance());
      }
    }

    // Sounds are decoded when they are first wanted: a page may hold many mixers.
    load() {
      shared.context ??= new AudioContext();
      this.context = shared.context;
      this.loading ??= Promise.all(this.tracks.map((track) => track.load(this.context))).then(() => this.balance());
      return this.loading;
    }

    async tryToLoad() {
      try {
        await this.load();
        return true;
      } catch (error) {
        this.problem.textContent = `This browser cannot mix here: ${error.message}`;
        this.problem.hidden = false;
        this.root.classList.remove("ready"); // the plain players are left
        return false;
      }
    }

    async start() {
      if (!(await this.tryToLoad())) return;
      await this.context.resume();
      if (shared.playing !== this) shared.playing?.pause();
      shared.playing = this;
      this.begin(this.offset >= this.duration ? 0 : this.offset);
    }

    begin(offset) {
      for (const track of this.tracks) track.stop();
      const when = this.context.currentTime + LEAD_S;
      for (const track of this.tracks) track.start(this.context, when, offset);
      this.startedAt = when - offset;
      this.press("\u275a\u275a", "pause");
      this.draw();
    }

    pause() {
      if (this.startedAt === null) return;
      this.offset = this.position();
      this.startedAt = null;
      for (const track of this.tracks) track.stop();
      this.press("\u25b6", "play");
    }

    async seek(part) {
      if (!(await this.tryToLoad())) return;
      this.offset = part * this.duration;
      if (this.startedAt !== null) this.begin(this.offset);
      else this.draw();
    }

    position() {
      if (this.startedAt === null) return this.offset;
      return Math.min(this.duration, Math.max(0, this.context.currentTime - this.startedAt));
    }

    balance() {
      const pressed = (button) => button.getAttribute("aria-pressed") === "true";
      const isAnySolo = this.tracks.some((track) => pressed(track.solo));
      for (const track of this.tracks) {
        const isHeard = !pressed(track.mute) && (!isAnySolo || pressed(track.solo));
        track.gain?.gain.setTargetAtTime(isHeard ? track.volume.valueAsNumber : 0, this.context.currentTime, FADE_S);
      }
    }

    press(letter, label) {
      this.play.textContent = letter;
      this.play.setAttribute("aria-label", label);
    }

    draw() {
      if (!this.root.isConnected) return this.pause(); // its cell was run again
      const position = this.position();
      this.place.value = this.duration ? position / this.duration : 0;
      this.time.textContent = `${show(position)} / ${show(this.duration)}`;
      if (this.startedAt === null) return;
      if (position >= this.duration) this.pause();
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
    }
  }

  for (const root of document.querySelectorAll(".auralflow-mixer")) root.mixer ??= new Mixer(root);
})();
