import type { Language } from './languages';

/** U+202F: groups digits, and stands before the percent sign, in Kyrgyz and Russian. */
const NARROW_SPACE = '\u202f';
const MINUS = '\u2212';

/** A count, grouped: `1 704` in Kyrgyz and Russian, `1,704` in English. */
export function integer(value: number, language: Language): string {
  const digits = Math.abs(Math.trunc(value)).toString();
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, language === 'en' ? ',' : NARROW_SPACE);
  return value < 0 ? MINUS + grouped : grouped;
}

/** A number with so many decimals, grouped as `integer` does. */
export function decimal(value: number, decimals: number, language: Language): string {
  const [whole = '0', fraction] = Math.abs(value).toFixed(decimals).split('.');
  const number = integer(Number(whole), language) + (fraction ? (language === 'en' ? '.' : ',') + fraction : '');
  return value < 0 && Number(Math.abs(value).toFixed(decimals)) !== 0 ? MINUS + number : number;
}

/** Percent of a whole, as a number; null where there is no whole. */
export function share(part: number, whole: number): number | null {
  return whole > 0 ? (100 * part) / whole : null;
}

/** Two decimals within half a point of a threshold, else one. */
export function decimalsNear(percent: number, threshold: number | null): number {
  return threshold !== null && Math.abs(percent - threshold) <= 0.5 ? 2 : 1;
}

/** `17.32 %`: never 100 before all is in, and never beyond the side of the threshold it is on. */
export function percentText(percent: number | null, language: Language, threshold: number | null = null): string {
  if (percent === null) return '–';
  const decimals = decimalsNear(percent, threshold);
  const unit = 10 ** decimals;
  let shown = Math.round(percent * unit) / unit;
  if ((shown >= 100 && percent < 100) || (threshold !== null && percent < threshold && shown >= threshold)) {
    shown = Math.floor(percent * unit) / unit;
  }
  return decimal(shown, decimals, language) + (language === 'en' ? '%' : `${NARROW_SPACE}%`);
}
