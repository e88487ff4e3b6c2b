// Plays a piece note by note: a timer hands the notes of the next moments to the synthesizer, each with
// its exact time. Nothing further ahead is fixed, so a piece can grow while it plays, and mute, solo and
// new notes act at once.

import { TempoMap } from "./time.js";

const AHEAD = 0.12; // seconds that are handed over in advance
const EVERY = 30; // ms between two looks; less than AHEAD even when the page is busy
const BREATH = 0.06; // seconds between the wish to play and the first note

export class Player extends EventTarget {
  constructor(sound) {
    super();
    this.sound = sound;
    this.piece = null;
    this.tempo = new TempoMap([]);
    this.playing = false;
    this.waiting = false; // at the end of a piece that still grows
    this.growing = false;
    this.loop = null; // {from, to} in quarters
    this.muted = new Set();
    this.solo = new Set();
    this.heard = 0; // seconds that have sounded, for who must have listened
    this.rest = 0; // seconds into the piece while it does not play
    this.anchors = []; // [{time, seconds}]: from this audio time on, the piece is there
    this.live = []; // notes that sound or soon will: {index, channel, pitch, track, on, off}
  }

  /** Takes a piece; the same one with more bars goes on where it is. */
  setPiece(piece, { growing = false, keep = false } = {}) {
    const place = this.position;
    this.piece = piece;
    this.growing = growing;
    this.tempo = new TempoMap(piece?.tempos ?? []);
    this.channels = piece ? this.sound.channels(piece.tracks) : [];
    if (!piece) return this.stop();
    if (!keep) {
      this.stop();
      this.rest = 0;
    } else if (!this.playing) {
      this.rest = this.tempo.seconds(Math.min(place, piece.end));
    } else {
      this.sound.setInstruments(piece.tracks, this.channels);
      this.matchLive();
      this.next = this.firstFrom(this.secondsAt(this.horizon) - 1e-4);
      this.bringIn();
      this.look();
    }
    return undefined;
  }

  /** What sounds goes on where the new piece has it too, perhaps longer or shorter; the rest is let go. */
  matchLive() {
    const kept = [];
    for (const live of this.live) {
      const index = this.piece.notes.findIndex(
        (note) => note.pitch === live.pitch && note.track === live.track && Math.abs(note.onset - live.onset) < 1e-6,
      );
      if (index < 0) {
        this.letGo(live);
        continue;
      }
      const { onset, duration } = this.piece.notes[index];
      const off = live.on + this.tempo.seconds(onset + duration) - this.tempo.seconds(onset);
      kept.push({ ...live, index, off });
    }
    this.live = kept;
  }

  letGo(live) {
    this.sound.synth.noteOff(live.channel, live.pitch, { time: Math.max(this.sound.now, live.on + 0.001) });
  }

  /** What should sound now and does not begins in the middle of its note, not with the next one. */
  bringIn() {
    if (this.waiting) return;
    const now = this.sound.now;
    const seconds = this.secondsAt(now);
    this.piece.notes.slice(0, this.next).forEach((note, index) => {
      const ends = this.tempo.seconds(note.onset + note.duration);
      if (ends > seconds + 0.05 && this.audible(note.track) && !this.live.some((each) => each.index === index)) {
        this.sounds(note, index, now, now + ends - seconds);
      }
    });
  }

  audible(track) {
    return !this.muted.has(track) && (!this.solo.size || this.solo.has(track));
  }

  setMuted(track, on) {
    on ? this.muted.add(track) : this.muted.delete(track);
    this.mixChanged();
  }

  setSolo(track, on) {
    on ? this.solo.add(track) : this.solo.delete(track);
    this.mixChanged();
  }

  mixChanged() {
    if (!this.playing) return;
    for (const live of this.live.filter((each) => !this.audible(each.track))) this.letGo(live);
    this.live = this.live.filter((each) => this.audible(each.track));
    this.bringIn();
  }

  async play(from = null) {
    if (!this.piece?.notes.length && !this.growing) return;
    await this.sound.start();
    if (this.sound.owner !== this) this.sound.owner?.stop();
    if (this.playing) this.halt();
    this.sound.owner = this;
    if (from !== null) this.rest = this.tempo.seconds(from);
    const outside = this.rest >= this.end - 0.01 || (this.loop && this.rest < this.begin - 0.01);
    if (!this.growing && outside) this.rest = this.begin;
    const time = Math.max(this.sound.now + BREATH, (this.horizon ?? 0) + 0.01);
    this.anchors = [{ time, seconds: this.rest }];
    this.horizon = time;
    this.next = this.firstFrom(this.rest - 1e-4);
    this.last = this.sound.now;
    this.playing = true;
    this.waiting = false;
    this.sound.setInstruments(this.piece.tracks, this.channels);
    this.sound.fade(this.sound.level);
    this.timer = setInterval(() => this.look(), EVERY);
    this.look();
    this.tell();
  }

  halt() {
    this.rest = this.tempo.seconds(this.position);
    clearInterval(this.timer);
    this.live = [];
    this.sound.silence();
    // Notes that were handed over and have not begun are cut off where they would begin.
    this.sound.cut(this.horizon);
    this.playing = false;
    this.waiting = false;
  }

  stop() {
    if (!this.playing) return;
    this.halt();
    this.tell();
  }

  toggle() {
    return this.playing ? this.stop() : this.play();
  }

  seek(quarters) {
    if (this.playing) return this.play(quarters);
    this.rest = this.tempo.seconds(quarters);
    return this.tell();
  }

  get begin() {
    return this.loop ? this.tempo.seconds(this.loop.from) : 0;
  }

  get end() {
    return this.tempo.seconds(this.loop ? this.loop.to : this.piece.end);
  }

  /** Where the ear is, in quarters. */
  get position() {
    if (!this.playing) return this.tempo.quarters(this.rest);
    if (this.waiting) return this.reached;
    const seconds = this.secondsAt(this.sound.now - this.sound.delay);
    return this.tempo.quarters(Math.max(0, Math.min(seconds, this.end)));
  }

  secondsAt(time) {
    const anchor = this.anchors.findLast((each) => each.time <= time) ?? this.anchors[0];
    return anchor.seconds + Math.max(0, time - anchor.time);
  }

  timeOf(seconds) {
    const anchor = this.anchors.at(-1);
    return anchor.time + seconds - anchor.seconds;
  }

  firstFrom(seconds) {
    const index = this.piece.notes.findIndex((note) => this.tempo.seconds(note.onset) >= seconds);
    return index < 0 ? this.piece.notes.length : index;
  }

  /** Indices of the notes that sound where the ear is. */
  get sounding() {
    if (!this.playing || this.waiting) return [];
    const place = this.position;
    return this.piece.notes.flatMap((note, index) =>
      note.onset <= place && place < note.onset + note.duration && this.audible(note.track) ? [index] : [],
    );
  }

  look() {
    const now = this.sound.now;
    if (!this.waiting) this.heard += Math.max(0, now - this.last);
    this.last = now;
    const until = now + AHEAD;
    if (this.waiting && !this.resume(now)) return;
    const ends = this.timeOf(this.end);
    this.handOver(Math.min(until, ends));
    this.horizon = Math.max(this.horizon, Math.min(until, ends));
    if (until < ends) return;
    if (this.loop) {
      this.anchors = [...this.anchors.slice(-1), { time: ends, seconds: this.begin }];
      this.next = this.firstFrom(this.begin - 1e-4);
      this.handOver(until);
      this.horizon = until;
    } else if (now >= ends) {
      if (this.growing) {
        this.waiting = true;
        this.reached = this.piece.end;
        this.tell();
      } else this.finish();
    }
  }

  /** Goes on once the piece has grown past the place where it ran out. */
  resume(now) {
    const reached = this.tempo.seconds(this.reached);
    if (this.end <= reached + 0.01) {
      if (!this.growing) this.finish();
      return false;
    }
    this.anchors = [{ time: now + BREATH, seconds: reached }];
    this.horizon = now + BREATH;
    this.next = this.firstFrom(reached - 1e-4);
    this.waiting = false;
    this.tell();
    return true;
  }

  handOver(until) {
    for (; this.next < this.piece.notes.length; this.next += 1) {
      const note = this.piece.notes[this.next];
      const on = this.timeOf(this.tempo.seconds(note.onset));
      if (on >= until || this.tempo.seconds(note.onset) >= this.end) break;
      const off = this.timeOf(Math.min(this.tempo.seconds(note.onset + note.duration), this.end));
      if (this.audible(note.track)) this.sounds(note, this.next, on, off);
    }
    for (const note of this.live.filter((each) => each.off <= until)) {
      this.sound.synth.noteOff(note.channel, note.pitch, { time: note.off - 0.002 });
    }
    this.live = this.live.filter((each) => each.off > until);
  }

  sounds(note, index, on, off) {
    const channel = this.channels[note.track] ?? 0;
    const same = this.live.findIndex((each) => each.channel === channel && each.pitch === note.pitch);
    if (same >= 0) {
      // the same key again: it is let go first
      this.sound.synth.noteOff(channel, note.pitch, { time: on - 0.002 });
      this.live.splice(same, 1);
    }
    this.sound.synth.noteOn(channel, note.pitch, Math.max(1, note.velocity ?? 80), { time: on });
    this.live.push({
      index,
      channel,
      pitch: note.pitch,
      track: note.track,
      onset: note.onset,
      on,
      off: Math.max(off, on + 0.02),
    });
  }

  /** The end is reached: what sounds may fade, and the next play begins at the start. */
  finish() {
    clearInterval(this.timer);
    this.playing = false;
    this.waiting = false;
    this.live = [];
    this.rest = this.begin;
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}
