// Quarter notes to seconds and back, by the tempo changes of a piece.

export class TempoMap {
  /** tempos: [{onset, qpm}], the first at 0. */
  constructor(tempos) {
    let seconds = 0;
    this.parts = (tempos.length ? tempos : [{ onset: 0, qpm: 120 }]).map((tempo, index, all) => {
      const before = all[index - 1];
      if (before) seconds += ((tempo.onset - before.onset) * 60) / before.qpm;
      return { onset: tempo.onset, qpm: tempo.qpm, seconds };
    });
  }

  part(key, value) {
    let found = this.parts[0];
    for (const part of this.parts) {
      if (part[key] > value) break;
      found = part;
    }
    return found;
  }

  seconds(quarters) {
    const part = this.part("onset", quarters);
    return part.seconds + ((quarters - part.onset) * 60) / part.qpm;
  }

  quarters(seconds) {
    const part = this.part("seconds", seconds);
    return part.onset + ((seconds - part.seconds) * part.qpm) / 60;
  }

  qpm(quarters) {
    return this.part("onset", quarters).qpm;
  }
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
