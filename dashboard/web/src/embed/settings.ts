import type { Mode } from '../map/shade';
import type { Source } from '../feed/types';
import { isLanguage, preferredLanguage, type Language } from '../i18n/languages';

/** What the attributes of an element say; whatever cannot be understood is as if it were not there. */
export interface Settings {
  election: string | null;
  contest: string | null;
  unit: string;
  source: Source;
  mode: Exclude<Mode, 'voters'> | null;
  lang: Language;
  theme: 'auto' | 'light' | 'dark';
  colours: Record<'ink' | 'ground' | 'accent', string | null>;
}

/** Attributes that an element follows when they change. */
export const ATTRIBUTES = ['election', 'contest', 'unit', 'source', 'mode', 'lang', 'theme', 'ink', 'ground', 'accent'];

const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
const CONTEST = /^[a-z0-9][a-z0-9-]{0,31}(:[a-z0-9-]{1,32})?$/;
const UNIT = /^(country|abroad|(region|raion|district|precinct):[a-z0-9-]{1,40})$/;
const COLOUR = /^(#([0-9a-f]{3}|[0-9a-f]{6})|transparent)$/i;

const fitting = (value: string | null, shape: RegExp) => (value !== null && shape.test(value) ? value : null);

/** A contest of one district, such as `single:12`, is that of `district:12`. */
const home = (contest: string | null) => (contest?.includes(':') ? `district:${contest.split(':')[1]}` : 'country');

export function settingsOf(element: Element): Settings {
  const at = (name: string) => element.getAttribute(name);
  const mode = at('mode');
  const theme = at('theme');
  const around = at('lang') ?? element.closest('[lang]')?.getAttribute('lang') ?? '';
  const lang = around.toLowerCase().split('-')[0];
  return {
    election: fitting(at('election'), ID),
    contest: fitting(at('contest'), CONTEST),
    unit: fitting(at('unit'), UNIT) ?? home(fitting(at('contest'), CONTEST)),
    source: at('source') === 'protocols' ? 'protocols' : 'urns',
    mode: mode === 'leading' || mode === 'reported' || mode === 'turnout' ? mode : null,
    lang: isLanguage(lang) ? lang : preferredLanguage(navigator.languages),
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
    colours: { ink: fitting(at('ink'), COLOUR), ground: fitting(at('ground'), COLOUR), accent: fitting(at('accent'), COLOUR) },
  };
}
