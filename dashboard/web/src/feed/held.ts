import type { Frame, Header, Snapshot, Unit } from './types';

/** What applying a frame did to what is held. */
export type Outcome =
  | { kind: 'replaced' }
  | { kind: 'changed'; units: string[] }
  /** Nothing new for the counts; the header's clock and status may be. */
  | { kind: 'same' }
  /** Frames are missing between what is held and this one: take a snapshot. */
  | { kind: 'gap' };

/** The state a reader holds: one position, and the whole units known at it. */
export class Held {
  header: Header | null = null;
  units = new Map<string, Unit>();
  /** The version the units stand at; `header.version` may run ahead of it by pings. */
  #version = -1;

  get epoch(): string | null {
    return this.header?.epoch ?? null;
  }

  /** `epoch:version`, as `since=` wants it. */
  get position(): string | null {
    return this.header ? `${this.header.epoch}:${this.#version}` : null;
  }

  apply(frame: Frame): Outcome {
    switch (frame.type) {
      case 'snapshot':
        return this.replace(frame);
      case 'delta':
        return this.#delta(frame);
      case 'ping':
        if (frame.epoch !== this.epoch) return { kind: 'gap' };
        this.header = headerOf(frame);
        return { kind: 'same' };
    }
  }

  /** Takes a snapshot, unless it is an older one of the same epoch (a cache's answer). */
  replace(snapshot: Snapshot): Outcome {
    if (snapshot.epoch === this.epoch && snapshot.version < this.#version) return { kind: 'same' };
    this.#setHeader(snapshot);
    this.units = new Map(snapshot.units.map((unit) => [unit.id, unit]));
    return { kind: 'replaced' };
  }

  /**
   * Adds units that were not followed until now. The position falls back to the older of the two, so that the
   * deltas asked for next cover both. Returns false when the snapshot is of another epoch.
   */
  merge(snapshot: Snapshot): boolean {
    if (snapshot.epoch !== this.epoch) return false;
    for (const unit of snapshot.units) this.units.set(unit.id, unit);
    this.#version = Math.min(this.#version, snapshot.version);
    return true;
  }

  /** Forgets units that are no longer followed: a figure that does not move must not pass for a live one. */
  forget(unwanted: (unit: Unit) => boolean): void {
    for (const unit of this.units.values()) if (unwanted(unit)) this.units.delete(unit.id);
  }

  // The rule of the protocol: same epoch and from <= held < version.
  #delta(frame: Snapshot & { from: number }): Outcome {
    if (frame.epoch !== this.epoch || frame.from > this.#version) return { kind: 'gap' };
    if (frame.version <= this.#version) return { kind: 'same' };
    this.#setHeader(frame);
    for (const unit of frame.units) this.units.set(unit.id, unit);
    return { kind: 'changed', units: frame.units.map((unit) => unit.id) };
  }

  #setHeader(header: Header): void {
    this.header = headerOf(header);
    this.#version = header.version;
  }
}

function headerOf(frame: Header): Header {
  const { epoch, version, generated_at, election, test, speed, status, embargo_until, stalled_since } = frame;
  return {
    epoch,
    version,
    generated_at,
    election,
    test,
    speed,
    status,
    embargo_until: embargo_until ?? null,
    stalled_since: stalled_since ?? null,
  };
}
