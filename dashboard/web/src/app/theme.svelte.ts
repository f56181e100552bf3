export const THEMES = ['auto', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

const KEY = 'sanak-theme';

/** Light or dark, by the reader's choice or the system's. `public/theme.js` applies the choice before the first paint. */
export class ThemeState {
  choice = $state<ThemeChoice>(stored());
  #system = $state(false);
  readonly dark = $derived(this.choice === 'auto' ? this.#system : this.choice === 'dark');

  constructor() {
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.#system = query.matches;
    query.addEventListener('change', () => (this.#system = query.matches));
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = choice;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Storage is forbidden: the choice holds for this visit.
    }
  }
}

function stored(): ThemeChoice {
  try {
    const choice = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === choice) ?? 'auto';
  } catch {
    return 'auto';
  }
}
