import { Election, independent, type ContestGroup } from '../election/election';
import type { Contest, Definition, Snapshot, Unit } from '../feed/types';
import { integer, percentText } from '../i18n/numbers';
import { clock } from '../i18n/times';
import { electionColours, NEUTRAL, readable, type ElectionColours } from '../map/palette';
import type { Settings } from './settings';
import { WORDS, type Words } from './words';

/** A snapshot of some units, and as much of the definition as names them. */
export interface Summary extends Snapshot {
  definition: Definition;
}

/** One answer of the server, as an element shows it. */
export class View {
  readonly t: Words;
  readonly election: Election;
  readonly units: Map<string, Unit>;
  #colours: ElectionColours | null = null;

  constructor(
    readonly summary: Summary,
    readonly settings: Settings,
    readonly dark: boolean,
    /** Where the API of this election is, without a slash at its end. */
    readonly base: string,
  ) {
    this.t = WORDS[settings.lang];
    this.election = new Election(summary.definition);
    this.units = new Map(summary.units.map((unit) => [unit.id, unit]));
  }

  get definition(): Definition {
    return this.summary.definition;
  }

  /** The unit that is asked for. */
  get unit(): Unit | undefined {
    return this.units.get(this.settings.unit);
  }

  /** The contest that is asked for, by its id or that of its kind; else what is voted in the unit; else the first. */
  get group(): ContestGroup | undefined {
    const { contest, unit } = this.settings;
    const groups = this.election.groups;
    const named = groups.find(({ of, contests }) => of === contest || contests.some(({ id }) => id === contest));
    return named ?? (contest === null ? groups.find(({ byUnit }) => byUnit.has(unit)) : undefined) ?? groups[0];
  }

  /** The contest of a group that a unit's figures are of. */
  contestIn(group: ContestGroup | undefined, unit: Unit | undefined): Contest | null {
    if (!group || !unit) return null;
    const asked = group.contests.find(({ id }) => id === this.settings.contest && unit.contests[id]);
    const own = asked ?? group.national ?? group.byUnit.get(unit.id);
    if (own && unit.contests[own.id]) return own;
    return group.contests.find(({ id }) => unit.contests[id]) ?? null;
  }

  groupName({ contests, national }: ContestGroup): string {
    return national === null && contests.length > 1 ? this.t.districts : this.name(contests[0]?.name);
  }

  /** Among the options of its own ballot. */
  colour(contest: Contest, option: string): string {
    return readable(this.#election.ballots.get(contest.id)?.get(option) ?? NEUTRAL, this.dark);
  }

  /** Where several ballots are looked at together: there all candidates without a party have one colour. */
  across(contest: Contest, option: string): string {
    return independent(contest, option) ? readable(this.#election.independent, this.dark) : this.colour(contest, option);
  }

  get #election(): ElectionColours {
    this.#colours ??= electionColours(this.definition.contests);
    return this.#colours;
  }

  unitName(id: string): string {
    if (id === 'country') return this.t.wholeCountry;
    if (id === 'abroad') return this.t.abroad;
    const number = /:(\d+)$/.exec(id)?.[1] ?? '';
    const name = this.name(this.election.unit(id)?.name);
    if (id.startsWith('precinct:')) return [`${this.t.precinct} ${number}`, name].filter(Boolean).join(' · ');
    return name || `${this.t.district} ${number}`;
  }

  name(name: { ky: string; ru: string; en?: string | null } | null | undefined): string {
    return name ? name[this.settings.lang] || name.ky || name.ru : '';
  }

  n(value: number): string {
    return integer(value, this.settings.lang);
  }

  pct(percent: number | null, threshold: number | null = null): string {
    return percentText(percent, this.settings.lang, threshold);
  }

  clock(instant: string | number): string {
    return clock(instant, this.definition.timezone);
  }
}

/** What an element draws between its heading and its foot. */
export interface Part {
  readonly root: HTMLElement;
  /** What it is called, of which unit. */
  heading(view: View): string;
  update(view: View): void;
  /** Ends whatever it follows by itself. */
  stop?(): void;
}
