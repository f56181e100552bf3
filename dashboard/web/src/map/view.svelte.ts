import type { Page } from '../app/page';
import { contestIn, groupOf } from '../app/selection';
import type { Contest } from '../feed/types';
import { getColours, type Colours } from './colours.svelte';
import type { Theme } from './ground';
import type { Level } from './level';
import type { Mode, ShadeContext } from './shade';

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

  colourOf(contest: Contest, option: string): string {
    return this.#colours.of(contest, option);
  }

  /** In districts every ballot is another: there a class is a party where candidates have one, else a colour. */
  keyOf(contest: Contest, option: string): string {
    if (contest.scope === 'country') return option;
    const party = this.#page.election.option(contest.id, option)?.party;
    return party ?? this.#colours.of(contest, option);
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
