import { look, lookAfter, type Change } from './changes';
import type { Consequence } from './consequence';
import type { Outcomes } from './desk';
import { Changed } from './session.svelte';

/** Something to be decided, as it stood when its button was pressed. */
export interface Wish {
  button: string;
  path: string;
  body: object | Blob;
  /** The units whose figures it may change. */
  units: string[];
}

/** What it will do; asked again before it is sent. */
export type Spelled = () => Consequence | Promise<Consequence>;

interface Asked extends Wish, Consequence {
  reason: string;
  spelled: Spelled;
}

/** Changes are `null` where there are none to know, or not yet. */
export interface Result {
  taken: number;
  problems: string[];
  changes: Change[] | null;
}

/** How it ended: whoever asked went back, it was refused, figures had changed under it, or it was taken. */
export type End = 'left' | 'refused' | 'changed' | 'taken';

/** Where whoever works by keyboard goes on: the button that was pressed, the words why not, what it did, the reason. */
export type Place = 'button' | 'trouble' | 'result' | 'reason';

/** `pressable` is the button now. Where figures have changed the form is about to be another. */
export function placeAfter(end: End, pressable: boolean): Place {
  if (end === 'changed') return 'trouble';
  if (pressable) return 'button';
  return end === 'taken' ? 'result' : end === 'refused' ? 'trouble' : 'reason';
}

/** What it needs of the room. */
export interface Around {
  base: string;
  read(url: string): Promise<unknown>;
  decide(path: string, body: object | Blob): Promise<Outcomes | { offset: number }>;
  /** Why something was not done, in words. */
  said(refusal: unknown): string;
  /** It was taken, wholly or in part, or none of it. */
  done(): void;
  ended(end: End): void;
}

/** One decision after another: asked for, spelled out, confirmed, sent, and what became of it. */
export class Asking {
  reason = $state('');
  busy = $state(false);
  /** What is to be confirmed. */
  asked = $state.raw<Asked | null>(null);
  typed = $state('');
  trouble = $state('');
  result = $state.raw<Result | null>(null);
  /** Whether what had to be typed is. */
  readonly confirmable: boolean = $derived.by(() => this.asked !== null && (!this.asked.typed || this.typed.trim() === this.asked.typed.text));

  constructor(private readonly around: Around) {}

  /** The button is pressed. What needs no confirmation is sent at once. */
  async ask(wish: Wish, spelled?: Spelled): Promise<void> {
    if (this.busy || this.asked) return;
    [this.busy, this.trouble, this.result] = [true, '', null];
    if (!spelled) return this.#end(await this.#take(wish));
    const reason = this.reason.trim();
    try {
      this.asked = { ...wish, reason, spelled, ...(await spelled()) };
      [this.typed, this.busy] = ['', false];
    } catch (refusal) {
      this.#end(this.#refused(refusal));
    }
  }

  /** It is sent as it was spelled out, or not at all where that follows from other figures by now. */
  async confirm(): Promise<void> {
    const { asked } = this;
    if (!asked || !this.confirmable) return;
    [this.asked, this.busy] = [null, true];
    try {
      if (asked.stands && (await asked.spelled()).stands?.figures !== asked.stands.figures) throw new Changed(asked.stands.otherwise);
    } catch (refusal) {
      return this.#end(this.#refused(refusal));
    }
    this.#end(await this.#take(asked));
  }

  /** Whoever was asked goes back. */
  leave(): void {
    if (!this.asked) return;
    this.asked = null;
    this.#end('left');
  }

  async #take({ path, body, units }: Wish): Promise<End> {
    const { base, read, decide, done } = this.around;
    try {
      const before = await look(base, units, read);
      const answer = await decide(path, body);
      const outcomes = 'outcomes' in answer ? answer.outcomes : [];
      const problems = outcomes.flatMap(({ precinct, problem }) => (problem === null ? [] : [`${precinct}: ${problem}`]));
      const taken = 'taken' in answer ? answer.taken : 1;
      this.result = { taken, problems, changes: null };
      if (taken > 0) this.reason = '';
      done();
      // It is taken, whether or not what it did can be read.
      const changes = taken > 0 && units.length > 0 ? await lookAfter(base, before, read).catch(() => null) : null;
      this.result = { taken, problems, changes };
      return 'taken';
    } catch (refusal) {
      return this.#refused(refusal);
    }
  }

  #refused(refusal: unknown): End {
    this.trouble = this.around.said(refusal);
    return refusal instanceof Changed ? 'changed' : 'refused';
  }

  #end(end: End): void {
    this.busy = false;
    this.around.ended(end);
  }
}
