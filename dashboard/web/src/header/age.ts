import type { Dictionary } from '../i18n/dictionary';

/** How long ago, in the largest unit that says enough: `50 s`, `12 min`, `3 h`. */
export function ageText(ms: number, t: Dictionary): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return t.age.seconds(String(seconds));
  if (seconds < 7200) return t.age.minutes(String(Math.floor(seconds / 60)));
  return t.age.hours(String(Math.floor(seconds / 3600)));
}
