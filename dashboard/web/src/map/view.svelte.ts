import type { Page } from '../app/page';
import { contestIn, groupOf } from '../app/selection';
import { independent } from '../election/election';
import type { Contest } from '../feed/types';
import { getColours, type Colours } from './colours.svelte';
import type { Theme } from './ground';
import type { Level } from './level';
import { INDEPENDENTS, type Mode, type ShadeContext } from './shade';

/** What the map's parts share: which level is drawn, in which mode, with which class of the legend held firm. */
export class MapView {
  zoomIn = $state(0);
  level = $state<Level>('regions');
  filter = $state<string | null>(null);
  readonly #page: Page;
  readonly #colours: Colours;

  constructor(page: Page) {
    this.#page = page;
    this.#colours = getColours();
  }

  /** As the address has it; by itself turnout until votes are shown, then who leads. Derived, since the header it
   * looks at is new with every frame, and the map is drawn anew only when the mode is. */
  readonly mode: Mode = $derived.by(() => {
    const { route, night } = this.#page;
    if (route.now.mode) return route.now.mode;
    const votes = night.header && night.header.status !== 'pre' && night.header.status !== 'open';
    return votes && !night.header?.embargo_until ? 'leading' : 'turnout';
  });

  setMode(mode: Mode): void {
    this.filter = null;
    this.#page.route.go({ mode });
  }

  toggleFilter(key: string): void {
    this.filter = this.filter === key ? null : key;
  }

  /** The precincts of a district in view are told apart by candidate, all else by what the whole country knows. */
  colourOf(contest: Contest, option: string): string {
    return this.#inside(contest) ? this.#colours.of(contest, option) : this.#colours.across(contest, option);
  }

  /** In districts every ballot is another: there a class is a party, and candidates without one are one class. */
  keyOf(contest: Contest, option: string): string {
    if (contest.scope === 'country') return option;
    const party = this.#page.election.option(contest.id, option)?.party;
    if (party) return party;
    if (!independent(contest, option)) return option;
    return this.#inside(contest) ? `${contest.id}/${option}` : INDEPENDENTS;
  }

  /** Whether the map shows precincts and this is the ballot of the unit that was chosen. */
  #inside(contest: Contest): boolean {
    const { route, places } = this.#page;
    if (contest.scope === 'country' || this.level !== 'precincts') return false;
    return contest.unit === route.now.unit || places.get(route.now.unit)?.districts[0] === contest.unit;
  }

  shadeContext(ground: Theme): ShadeContext {
    const page = this.#page;
    const group = groupOf(page);
    return {
      mode: this.mode,
      source: page.route.now.source,
      ground,
      filter: this.filter,
      contestOf: (unit) => contestIn(page, group, unit),
      colourOf: (contest, option) => this.colourOf(contest, option),
      keyOf: (contest, option) => this.keyOf(contest, option),
    };
  }
}
