import { isLanguage, type Language } from '../i18n/languages';
import { MODES, type Mode } from '../map/shade';
import type { Source } from '../feed/types';

/** What an address of the page says. */
export interface Address {
  election: string | null;
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

/** Reads an address; whatever it does not understand is as if it were not there. */
export function parseAddress(path: string, query: string): Address {
  const election = path.split('/')[1] ?? '';
  const fields = new URLSearchParams(query);
  const unit = fields.get('unit') ?? '';
  const contest = fields.get('contest') ?? '';
  const lang = fields.get('lang');
  return {
    election: ID.test(election) ? election : null,
    unit: UNIT.test(unit) ? unit : 'country',
    contest: ID.test(contest) ? contest : null,
    mode: MODES.find((mode) => mode === fields.get('mode')) ?? null,
    source: fields.get('source') === 'protocols' ? 'protocols' : 'urns',
    view: fields.get('view') === 'table' ? 'table' : 'map',
    lang: isLanguage(lang) ? lang : null,
  };
}

/** Writes an address; what is as a plain visit would have it is left out. */
export function formatAddress(address: Address): string {
  const fields: string[] = [];
  if (address.unit !== 'country') fields.push(`unit=${address.unit}`);
  if (address.contest) fields.push(`contest=${address.contest}`);
  if (address.mode) fields.push(`mode=${address.mode}`);
  if (address.source !== 'urns') fields.push(`source=${address.source}`);
  if (address.view !== 'map') fields.push(`view=${address.view}`);
  if (address.lang) fields.push(`lang=${address.lang}`);
  return `/${address.election ?? ''}${fields.length > 0 ? `?${fields.join('&')}` : ''}`;
}

/** The page's address, which is all of its state that can be shared. */
export class Route {
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
    const next = { ...this.#address, ...change };
    const url = formatAddress(next);
    if (url === formatAddress(this.#address)) return;
    history.pushState(null, '', url);
    this.#address = next;
  }

  /** The address of a link to another state. */
  href(change: Partial<Address>): string {
    return formatAddress({ ...this.#address, ...change });
  }
}
