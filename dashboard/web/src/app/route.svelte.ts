import { isLanguage, type Language } from '../i18n/languages';
import { MODES, type Mode } from '../map/shade';
import type { Source } from '../feed/types';

/** The pages an election has: its figures on map and column, and the public lists. */
export const LISTS = ['missing', 'quarantine', 'corrections'] as const;
export type List = (typeof LISTS)[number];
/** Pages that are not of figures; their addresses may stand without an election before them. */
export const EXTRAS = ['embed', 'data', 'elections'] as const;
export type Extra = (typeof EXTRAS)[number];
export type PageName = 'figures' | List | Extra;
const NAMED: readonly Exclude<PageName, 'figures'>[] = [...LISTS, ...EXTRAS];

/** What an address of the page says. */
export interface Address {
  election: string | null;
  page: PageName;
  unit: string;
  /** Id of a contest in the definition; null for the first. */
  contest: string | null;
  mode: Mode | null;
  source: Source;
  view: 'map' | 'table';
  lang: Language | null;
}

const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
const UNIT = /^(country|abroad|(region|raion|district|precinct):[a-z0-9-]{1,40})$/;

/**
 * Reads an address: `/kg-demo/region/osh`, `/kg-demo/contest/list`, `/kg-demo/missing`, with the rest behind the `?`.
 * Whatever it does not understand is as if it were not there.
 */
export function parseAddress(path: string, query: string): Address {
  const parts = path.split('/').slice(1);
  if (EXTRAS.some((extra) => extra === parts[0])) parts.unshift('');
  const [election = '', first = '', second = ''] = parts;
  const fields = new URLSearchParams(query);
  const unit = [first === 'abroad' ? first : `${first}:${second}`, fields.get('unit') ?? ''].find((each) => UNIT.test(each));
  const contest = [first === 'contest' ? second : '', fields.get('contest') ?? ''].find((each) => ID.test(each));
  const lang = fields.get('lang');
  return {
    election: ID.test(election) ? election : null,
    page: NAMED.find((name) => name === first) ?? 'figures',
    unit: unit ?? 'country',
    contest: contest ?? null,
    mode: MODES.find((mode) => mode === fields.get('mode')) ?? null,
    source: fields.get('source') === 'protocols' ? 'protocols' : 'urns',
    view: fields.get('view') === 'table' ? 'table' : 'map',
    lang: isLanguage(lang) ? lang : null,
  };
}

/** Writes an address; what is as a plain visit would have it is left out. */
export function formatAddress(address: Address): string {
  const { election, page, unit, contest } = address;
  const path: string[] = [];
  const fields: string[] = [];
  if (page !== 'figures') path.push(page);
  else if (unit !== 'country') path.push(...unit.split(':'));
  else if (contest) path.push('contest', contest);
  if (page !== 'figures' && unit !== 'country') fields.push(`unit=${unit}`);
  if (contest && path[0] !== 'contest') fields.push(`contest=${contest}`);
  if (address.mode) fields.push(`mode=${address.mode}`);
  if (address.source !== 'urns') fields.push(`source=${address.source}`);
  if (address.view !== 'map') fields.push(`view=${address.view}`);
  if (address.lang) fields.push(`lang=${address.lang}`);
  return `/${[election, ...path].filter((part) => part !== null).join('/')}${fields.length > 0 ? `?${fields.join('&')}` : ''}`;
}

/** The page's address, which is all of its state that can be shared. */
export class Route {
  /** The election shown where the address names none; every address made here names it. */
  home: string | null = null;
  #address = $state.raw(parseAddress(location.pathname, location.search));

  constructor() {
    addEventListener('popstate', () => {
      this.#address = parseAddress(location.pathname, location.search);
    });
  }

  get now(): Address {
    return this.#address;
  }

  /** Goes to another address, which the back button leaves again. */
  go(change: Partial<Address>): void {
    const next = this.#to(change);
    const url = formatAddress(next);
    if (url === formatAddress(this.#address)) return;
    history.pushState(null, '', url);
    this.#address = next;
  }

  /** The address of a link to another state. */
  href(change: Partial<Address>): string {
    return formatAddress(this.#to(change));
  }

  /** What makes an `<a>` lead to another state without a reload, and a new tab where the reader asks for one. */
  link(change: Partial<Address>): { href: string; onclick: (event: MouseEvent) => void } {
    return {
      href: this.href(change),
      onclick: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.go(change);
      },
    };
  }

  /** A unit is shown with its figures, wherever its link stands. */
  #to(change: Partial<Address>): Address {
    const page = change.page ?? (change.unit === undefined ? this.#address.page : 'figures');
    return { ...this.#address, election: this.#address.election ?? this.home, ...change, page };
  }
}
